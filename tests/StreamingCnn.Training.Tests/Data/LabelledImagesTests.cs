using System.Diagnostics;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Data;

/// <summary>What is found in a data set before the first step, with lines and cures.</summary>
public class LabelledImagesTests
{
    [Theory]
    [InlineData("train", "test")]
    [InlineData("train", "val")]
    [InlineData("", "test")]
    public void A_class_without_a_training_image_is_told(string training, string other)
    {
        using var folder = Images((1, 5));
        var table = folder.Write(
            "t.csv", $"image,label,split\n0.png,a,{training}\n1.png,b,{training}\n2.png,c,{other}\n3.png,c,{other}\n4.png,d,{other}\n");

        var notes = LabelledImages.Read(table, validationShare: 0).Notes;

        Assert.Contains(
            "the class 'c' has 2 image(s), but none in the part 'train', so it is never learned, and they will be judged wrong", notes);
        Assert.Contains(
            "the class 'd' has 1 image(s), but none in the part 'train', so it is never learned, and they will be judged wrong", notes);
        Assert.DoesNotContain(
            notes, note => note.Contains("'a'", StringComparison.Ordinal) && note.Contains("never", StringComparison.Ordinal));
    }

    [Fact]
    public void Training_images_of_one_class_are_refused_though_others_are_kept_for_the_test()
    {
        using var folder = Images((1, 3));
        var table = folder.Write("t.csv", "image,label,split\n0.png,a,train\n1.png,a,train\n2.png,b,test\n");

        Assert.Equal(
            "all images in the part 'train' are of the class 'a', and there is nothing to tell apart; move some of the others there",
            Assert.Single(Refusal(() => LabelledImages.Read(table)).Problems));
    }

    [Fact]
    public void What_cannot_be_judged_or_learned_is_told()
    {
        using var folder = Images((1, 4));

        var classes = LabelledImages.Read(
            folder.Write("a.csv", "image,label,split\n0.png,a,train\n1.png,b,train\n2.png,c,train\n3.png,a,val\n"));
        Assert.Equal(["no validation image is of the class 'b', 'c'"], classes.Notes);
        var labels = LabelledImages.Read(
            folder.Write("b.csv", "image,x,y,split\n0.png,1,0,\n1.png,1,1,\n2.png,0,0,test\n"),
            new() { LabelColumns = ["x", "y"], Labels = LabelKind.MultiLabel },
            0);
        Assert.Equal(["'x' is 1 in all training images, so there is nothing to learn of it"], labels.Notes);
    }

    [Fact]
    public void Unknown_parts_are_told_once_with_all_lines()
    {
        using var folder = Images((1, 4));
        var table = folder.Write("t.csv", "image,label,split\n0.png,a,train\n1.png,b,tset\n2.png,a,tset\n3.png,b,nan\n");

        Assert.StartsWith("lines 3 to 5: the images ", Assert.Single(Refusal(() => LabelledImages.Read(table)).Problems));
    }

    [Theory]
    [InlineData("png")]
    [InlineData("npy")]
    public void Grey_and_colour_together_are_refused_with_a_cure_and_read_with_it(string ending)
    {
        using var scope = NewDisposeScope();
        using var folder = Images(ending, (3, 2), (1, 2));
        var table = folder.Write(
            "t.csv", string.Join('\n', Enumerable.Range(0, 4).Select(i => $"{i}.{ending},{"ab"[i % 2]}").Prepend("image,label")));

        var problem = Assert.Single(Refusal(() => LabelledImages.Read(table, validationShare: 0)).Problems);
        Assert.StartsWith("lines 4, 5: the images ", problem);
        Assert.EndsWith(
            "1 channel(s), where most of the images have 3; "
            + "give --channels 3 to read all as colour images, grey ones being repeated, or --channels 1 to read all as grey",
            problem);

        foreach (var channels in (int[])[1, 3])
        {
            var images = LabelledImages.Read(table, validationShare: 0, channels: channels);
            Assert.Equal(channels, images.Channels);
            var opened = images.Training(new ImagePreparation { Channels = channels, Normalization = new([0], [1], 1) }).Select(sample =>
            {
                using var image = sample.Open(0);
                return image.Read(0, 0, 20, 30).to(ScalarType.Float32);
            }).ToArray();
            using var colour = ImageSource.Open(folder.File($"0.{ending}"));
            using var grey = ImageSource.Open(folder.File($"2.{ending}"));
            var (pixels, values) = (colour.Read(0, 0, 20, 30).to(ScalarType.Float32), grey.Read(0, 0, 20, 30).to(ScalarType.Float32));
            var luminance = (pixels[0, 0] * 0.299) + (pixels[0, 1] * 0.587) + (pixels[0, 2] * 0.114);
            Assert.True(opened[0].allclose(channels == 3 ? pixels : luminance.view(1, 1, 20, 30), rtol: 0, atol: 0.51));
            Assert.True(opened[2].eq(values.expand(1, channels, 20, 30)).all().item<bool>());
        }

        Assert.Contains("where 4 were asked for", Refusal(() => LabelledImages.Read(table, validationShare: 0, channels: 4)).Message);
    }

    [Theory]
    [InlineData("npy", 5, 3)]
    [InlineData("npy", 2, 1)]
    [InlineData("tif", 6, 3)]
    [InlineData("tif", 5, 1)]
    public void Of_other_channels_none_are_left_out_without_a_word(string ending, int has, int wanted)
    {
        using var folder = ending == "npy" ? Images(ending, (has, 2)) : new TemporaryFolder();
        if (ending == "tif")
        {
            // libvips writes the last band as alpha.
            using var image = NetVips.Image.Black(30, 20, bands: has + 1).Copy(interpretation: NetVips.Enums.Interpretation.Multiband);
            image.Tiffsave(folder.File("0.tif"));
            image.Tiffsave(folder.File("1.tif"));
        }

        var table = folder.Write("t.csv", $"image,label\n0.{ending},a\n1.{ending},b\n");

        Assert.Equal(has, LabelledImages.Read(table, validationShare: 0).Channels);
        var problem = Assert.Single(Refusal(() => LabelledImages.Read(table, validationShare: 0, channels: wanted)).Problems);
        Assert.StartsWith("lines 2, 3: the images ", problem);
        Assert.Contains("only 1 or 3 are converted", problem);
        Assert.Contains(
            "only 1 or 3 are converted",
            Refusal(() => ImagesToJudge.Read(table, new ClassificationTask(["a", "b"]), new() { Channels = wanted })).Message);
    }

    [Fact]
    public void A_resolution_that_files_do_not_state_is_asked_for_by_line_and_taken_from_option_or_column()
    {
        using var folder = Images((1, 4));
        var images = LabelledImages.Read(folder.Write("t.csv", "image,label\n0.png,a\n1.png,b\n2.png,a\n3.png,b\n"), validationShare: 0);
        var half = new ImagePreparation { Channels = 1, MicrometresPerPixel = 0.5 };

        Assert.StartsWith("lines 2 to 5: the images ", Assert.Single(Refusal(() => images.LargestSize(half)).Problems));
        Assert.Equal((10, 15), images.LargestSize(half with { AssumedMicrometresPerPixel = 0.25 }));

        var listed = LabelledImages.Read(
            folder.Write("u.csv", "image,label,mpp\n0.png,a,0.25\n1.png,b,0.5\n2.png,a,\n3.png,b,1\n"), validationShare: 0);
        Assert.StartsWith("line 4: the image ", Assert.Single(Refusal(() => listed.Sizes(half)).Problems));
        Assert.Equal([10, 20, 40, 40], listed.Sizes(half with { AssumedMicrometresPerPixel = 1 }).Select(image => image.Height));
        using var image = listed.Training(half with { AssumedMicrometresPerPixel = 1 })[0].Open(0);
        Assert.Equal((10, 15), (image.Height, image.Width));
    }

    [Fact]
    public void A_column_that_contradicts_the_file_is_refused_where_it_matters()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["0.tif", "1.tif"])
            WriteTiff(folder.File(name));
        var images = LabelledImages.Read(folder.Write("t.csv", "image,label,mpp\n0.tif,a,0.501\n1.tif,b,0.25\n"), validationShare: 0);

        Assert.Equal((20, 30), images.LargestSize(new ImagePreparation { Channels = 1 }));
        var problem = Assert.Single(
            Refusal(() => images.LargestSize(new ImagePreparation { Channels = 1, MicrometresPerPixel = 1 })).Problems);
        Assert.StartsWith("line 3: the image ", problem);
        Assert.Contains("the file states 0.5 micrometres per pixel, but its table says 0.25", problem);

        static void WriteTiff(string path)
        {
            using var image = NetVips.Image.Black(30, 20).Copy(xres: 2000, yres: 2000);
            image.Tiffsave(path, resunit: NetVips.Enums.ForeignTiffResunit.Cm, xres: 2000, yres: 2000);
        }
    }

    [Fact]
    public void The_resolution_of_files_is_kept_with_the_model()
    {
        var preparation = new ImagePreparation { Channels = 3, MicrometresPerPixel = 0.5, AssumedMicrometresPerPixel = 0.2425 };

        Assert.Equal(0.2425, ImagePreparation.FromMetadata(preparation.ToMetadata().ToDictionary()).AssumedMicrometresPerPixel);
        var metadata = (preparation with { AssumedMicrometresPerPixel = null }).ToMetadata().ToDictionary();
        Assert.Null(ImagePreparation.FromMetadata(metadata).AssumedMicrometresPerPixel);
    }

    [Fact]
    public void A_model_is_not_judged_by_images_that_it_cannot_see()
    {
        using var folder = Images((1, 2), (4, 1));
        var task = new ClassificationTask(["0", "1.0"]);
        var table = folder.Write("t.csv", "image,label\n0.png,0.0\n1.png,1\n");
        List<string> notes = [];

        Assert.Equal(
            [0, 1], ImagesToJudge.Read(table, task, new() { Channels = 3 }, tell: notes.Add).Samples.Select(sample => sample.Label));
        Assert.Equal(
            [
                "the labels '0.0' mean the same as '0' and are taken for that class",
                "the labels '1' mean the same as '1.0' and are taken for that class",
            ],
            notes);
        Assert.Contains("lines 2, 3: the images", Refusal(() => ImagesToJudge.Read(table, task, new() { Channels = 5 })).Message);
        Assert.Contains(
            "does not state its resolution",
            Refusal(() => ImagesToJudge.Read(table, task, new() { Channels = 1, MicrometresPerPixel = 1 })).Message);
    }

    [Fact]
    public void Reading_grows_as_the_list_does()
    {
        using var folder = Images((1, 1));
        var pixels = File.ReadAllBytes(folder.File("0.png"));
        var few = Time(100);
        var many = Time(800);
        Assert.True(
            many < (16 * few) + TimeSpan.FromSeconds(1), $"100 took {few.TotalSeconds:0.00} s, 800 took {many.TotalSeconds:0.00} s");

        TimeSpan Time(int rows)
        {
            for (var i = 0; i < rows; i++)
                File.WriteAllBytes(folder.File($"{i}.png"), pixels);
            var table = folder.Write(
                "t.csv", "image,label\n" + string.Join('\n', Enumerable.Range(0, rows).Select(i => $"{i}.png,{"ab"[i % 2]}")));
            var clock = Stopwatch.StartNew();
            Assert.Equal((20, 30), LabelledImages.Read(table).LargestSize(new ImagePreparation { Channels = 1 }));
            return clock.Elapsed;
        }
    }

    private static DataSetException Refusal(Action read) => Assert.Throws<DataSetException>(read);

    private static TemporaryFolder Images(params (int Channels, int Count)[] kinds) => Images("png", kinds);

    private static TemporaryFolder Images(string ending, params (int Channels, int Count)[] kinds)
    {
        var folder = new TemporaryFolder();
        var number = 0;
        foreach (var (channels, count) in kinds)
        {
            for (var i = 0; i < count; i++)
            {
                using var scope = NewDisposeScope();
                var pixels = randint(0, 256, [20, 30, channels], ScalarType.Byte);
                var path = folder.File($"{number++}.{ending}");
                if (ending == "npy")
                {
                    var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': (20, 30, {channels}), }}".PadRight(117) + "\n";
                    var text = System.Text.Encoding.ASCII.GetBytes(header);
                    File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. text, .. pixels.bytes]);
                }
                else
                {
                    using var image = new TensorImageSource(
                        pixels.permute(2, 0, 1).unsqueeze(0)[.., ..Math.Min(channels, 3)].contiguous().MoveToOuterDisposeScope());
                    ImageFile.Write(image, path);
                }
            }
        }

        return folder;
    }
}
