using NetVips;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Data;

/// <summary>
/// What is found in masks before the first step: classes, counts, and what cannot be learned from, in a sentence with its file.
/// </summary>
public class ImageMasksTests
{
    private const int Height = 20;
    private const int Width = 30;

    [Fact]
    public void Classes_are_found_named_and_counted()
    {
        using var folder = new TemporaryFolder();
        var table = Table(folder, [0, 255], [0, 255, 7], [255]);

        var found = Read(table, new() { Ignored = [7] });
        var task = Assert.IsType<SegmentationTask>(found.Task);
        Assert.Equal(["0", "255"], task.Outputs);
        Assert.Equal([0L, 255], task.MaskValues);
        Assert.Equal([300.0, 300], found.All.Items[0].Targets);
        Assert.Equal([200.0, 200], found.All.Items[1].Targets);

        var named = Read(table, new() { Classes = MaskClasses.Parse(["ground=0", "roof=255", "road=7", "water=9"]) });
        Assert.Equal(["ground", "roof", "road", "water"], named.Task.Outputs);
        Assert.Equal(["the class 'water' is in no mask in the part 'train', so it is never learned"], named.Notes);
        Assert.Equal([200.0, 200, 200, 0], named.All.Items[1].Targets);
    }

    [Fact]
    public void Masks_are_opened_as_classes_of_the_images_size()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var samples = Read(Table(folder, [0, 255], [0, 255, 7]), new() { Ignored = [7] }).Training(new() { Channels = 3, Downsample = 2 });

        using var image = samples[1].Open(0);
        using var mask = samples[1].OpenMask!(0);
        Assert.Equal((10, 15), (mask.Height, mask.Width));
        Assert.Equal((mask.Height, mask.Width), (image.Height, image.Width));
        var row = mask.Read(3, 0, 1, 15).flatten().data<short>().ToArray();
        // Thirds of the row, each of one value: no class between two others comes to be.
        Assert.Equal(
            [.. Enumerable.Repeat((short)0, 5), .. Enumerable.Repeat((short)1, 5), .. Enumerable.Repeat(SegmentationTask.IgnoredClass, 5)],
            row);
        Assert.Equal(2, samples[1].Files.Count);
    }

    [Fact]
    public void What_cannot_be_learned_from_is_named_with_its_file_and_value()
    {
        using var folder = new TemporaryFolder();
        var two = new MaskClasses { Classes = MaskClasses.Parse(["a", "b"]), Ignored = [255] };

        Assert.EndsWith(
            "1.mask.png: it has the value 3 at 200 pixel(s), which is none of the classes 0, 1; name that class as well, or have it ignored",
            Refusal(Table(folder, [0, 1], [0, 1, 3]), two), StringComparison.Ordinal);
        Assert.EndsWith(
            "1.mask.png: it has no pixel that counts, since all of its values are ignored; leave the image out",
            Refusal(Table(folder, [0, 1], [255]), two), StringComparison.Ordinal);
        Assert.Equal(
            "the masks have 1 different values that count (4), but from 2 to 256 classes can be told apart; name the classes, or mend the masks",
            Refusal(Table(folder, [4], [4]), new()));
        Assert.Equal(
            "all masks in the part 'train' are of the class 'a' alone, and there is nothing to tell apart; move some of the others there",
            Refusal(Table(folder, [0], [0]), two));

        var table = Table(folder, [0, 1], [0, 1]);
        Write(folder.File("1.mask.png"), Height, Width + 1, [0, 1]);
        Assert.EndsWith(
            "1.mask.png: this mask has 20 x 31 pixels (height x width), but its image has 20 x 30; give a mask of the image's size",
            Refusal(table, two), StringComparison.Ordinal);
        File.Delete(folder.File("1.mask.png"));
        Assert.Contains("1.mask.png: there is no such file", Refusal(table, two), StringComparison.Ordinal);
        Assert.Equal("line 3: the mask is empty", Refusal(folder.Write("e.csv", "image,mask\n0.png,0.mask.png\n1.png,\n"), two));
        Assert.Equal(
            "line 1: there is no column 'mask'; the columns are image, label",
            Refusal(folder.Write("n.csv", "image,label\n0.png,a\n"), two));
        Assert.Equal(
            "folders do not tell which mask an image has; list both in a CSV file with the columns image,mask", Refusal(folder.Path, two));
    }

    [Fact]
    public void Classes_of_shapes_are_found_by_their_names()
    {
        using var folder = new TemporaryFolder();
        var table = Table(folder, [0], [0]);
        folder.Write("t.csv", "image,mask\n0.png,a.csv\n1.png,b.csv\n");
        folder.Write("a.csv", "class,x,y,width,height\nroof,0,0,10,10\nroad,20,0,40,2\n");
        folder.Write("b.csv", "class,x,y,width,height\n");

        var found = Read(table, new());
        Assert.Equal(["background", "road", "roof"], found.Task.Outputs);
        Assert.Equal([480.0, 20, 100], found.All.Items[0].Targets);
        Assert.Equal([600.0, 0, 0], found.All.Items[1].Targets);

        folder.Write("t.csv", "image,mask\n0.png,a.csv\n1.png,1.mask.png\n");
        Assert.Equal("1 of 2 masks are drawn, with names of classes, and the others have values; name the classes", Refusal(table, new()));
        folder.Write("t.csv", "image,mask\n0.png,b.csv\n1.png,b.csv\n");
        Assert.Contains("the masks have 1 different values that count (background)", Refusal(table, new()), StringComparison.Ordinal);
        folder.Write("t.csv", "image,mask\n0.png,a.csv\n");
        folder.Write("a.csv", "class,x,y,width,height\nroof,0,0,10,10\nroad,9,9,40,2\n");
        Assert.EndsWith(
            "a.csv: 'roof' and 'road' lie on one another at row 9, column 9, but a pixel is of one class; cut one out of the other",
            Refusal(table, new()), StringComparison.Ordinal);
    }

    [Fact]
    public void Classes_are_named_as_people_name_them()
    {
        Assert.Equal([("a", 0L), ("b", 1L)], MaskClasses.Parse(["a", " b "]));
        Assert.Equal([("a=b", 255L), ("b", -1L)], MaskClasses.Parse(["a=b=255", "b=-1"]));
        foreach (var texts in (string[][])[["a", "b=1"], ["a", ""], ["a", "a"], ["a=x", "b=1"]])
            Assert.Throws<FormatException>(() => MaskClasses.Parse(texts));
        Assert.Throws<ArgumentException>(() => new SegmentationTask(["a", "b"], [1, 1]));
        Assert.Throws<ArgumentException>(() => new SegmentationTask(["a", "b"], [0, 1], [1]));
        Assert.Throws<ArgumentException>(() => new SegmentationTask(["a"]));
    }

    [Fact]
    public void A_model_judges_masks_by_the_classes_that_it_knows()
    {
        using var folder = new TemporaryFolder();
        var task = new SegmentationTask(["a", "b"], [0, 255]);
        var (samples, part) = ImagesToJudge.Read(Table(folder, [0, 255], [0]), task, new() { Channels = 3 });
        Assert.Equal("all", part);
        Assert.Equal([600.0, 0], samples[1].Targets);
        Assert.NotNull(samples[1].OpenMask);

        var refusal = Assert.Throws<DataSetException>(() => ImagesToJudge.Read(Table(folder, [0, 255], [1]), task, new() { Channels = 3 }));
        Assert.Contains(
            "it has the value 1 at 600 pixel(s), which is none of the classes 0, 255",
            Assert.Single(refusal.Problems),
            StringComparison.Ordinal);
    }

    private static LabelledImages Read(string table, MaskClasses classes) =>
        LabelledImages.Read(table, new() { Labels = LabelKind.Mask }, validationShare: 0, masks: classes);

    private static string Refusal(string table, MaskClasses classes) =>
        Assert.Single(Assert.Throws<DataSetException>(() => Read(table, classes)).Problems);

    /// <summary>Images and their masks, of which each is cut into as many upright stripes as it has values.</summary>
    private static string Table(TemporaryFolder folder, params byte[][] masks)
    {
        foreach (var (i, values) in masks.Index())
        {
            using var image = Image.Black(Width, Height, bands: 3).Copy(interpretation: Enums.Interpretation.Srgb);
            image.Pngsave(folder.File($"{i}.png"));
            Write(folder.File($"{i}.mask.png"), Height, Width, values);
        }

        return folder.Write("t.csv", "image,mask\n" + string.Concat(masks.Select((_, i) => $"{i}.png,{i}.mask.png\n")));
    }

    private static void Write(string path, int height, int width, byte[] values)
    {
        byte[] row = [.. Enumerable.Range(0, width).Select(x => values[x * values.Length / width])];
        using var mask = Image.NewFromMemory(
            (byte[])[.. Enumerable.Range(0, height).SelectMany(_ => row)], width, height, 1, Enums.BandFormat.Uchar);
        mask.Pngsave(path);
    }
}
