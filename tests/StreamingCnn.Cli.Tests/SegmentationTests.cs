using System.Text.Json;
using NetVips;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Runs;

namespace StreamingCnn.Cli.Tests;

/// <summary><c>scnn train --task segmentation</c> and <c>scnn evaluate</c> on images and masks in files.</summary>
public sealed class SegmentationTests : IDisposable
{
    private const int Classes = 2;

    private readonly TemporaryFolder folder = new();

    public SegmentationTests()
    {
        for (var i = 0; i < 8; i++)
            WritePair(i);
        folder.Write(
            "pairs.csv", "image,mask,split\n" + string.Concat(
                Enumerable.Range(0, 8).Select(i => $"{i}.png,{i}.tif,{(i < 5 ? "train" : i < 7 ? "val" : "test")}\n")));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Shapes_are_learned_evaluated_and_reported()
    {
        var run = Train(
            "--epochs",
            "6",
            "--rate",
            "0.02",
            "--loss",
            "dice-cross-entropy",
            "--class-weights",
            "balanced",
            "--augment",
            "mirror,flip",
            "-o",
            folder.File("run"));

        Assert.Equal("", run.Errors);
        Assert.Contains(
            "5 images to train on, 2 to validate, 1 to test; segmentation: ground, disc.", run.Output, StringComparison.Ordinal);
        Assert.Contains("Validation mean IoU of the best weights 0.", run.Output, StringComparison.Ordinal);
        foreach (var file in (string[])["best.safetensors", "last.safetensors", "validation.csv", "test-metrics.csv", "report.html", "plots/test-confusion.png"])
            Assert.True(File.Exists(folder.File($"run/{file}")), file);
        Assert.Equal(
            "epoch,loss,mean_IoU,validation_loss,validation_mean_IoU,learning_rate",
            File.ReadLines(folder.File("run/metrics.csv")).First());
        var metadata = Safetensors.ReadMetadata(folder.File("run/best.safetensors"));
        Assert.Equal(("0 255", "7"), (metadata["mask-values"], metadata["ignored-values"]));
        var score = double.Parse(Value(folder.File("run/test-metrics.csv"), "mean IoU"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(score > 0.6, $"{score}");

        var evaluated = CommandLine.Run("evaluate", folder.File("run"), folder.File("pairs.csv"), "--resamples", "50");

        Assert.Equal("", evaluated.Errors);
        Assert.Contains("1 images, the part test of", evaluated.Output, StringComparison.Ordinal);
        Assert.Equal(Value(folder.File("run/test-metrics.csv"), "mean IoU"), Value(folder.File("run/evaluation/metrics.csv"), "mean IoU"));
        Assert.StartsWith(
            "image,pixels,loss,mean IoU,mean Dice,accuracy,IoU of ground",
            File.ReadLines(folder.File("run/evaluation/predictions.csv")).First(),
            StringComparison.Ordinal);

        var (model, description) = ModelDescription.LoadModel(folder.File("run/best.safetensors"));
        using (model)
            Assert.Equal(Classes, Assert.IsType<StreamingSegmenter>(model).Classes);
        Assert.Equal(["ground", "disc"], description.Task.Outputs);
        Assert.Contains(
            "are those of a model that gives a map",
            Assert.Throws<WeightFileException>(() => ModelDescription.Load(folder.File("run/best.safetensors"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_goes_on_with_the_same_masks_alone()
    {
        Assert.Equal("", Train("--epochs", "1", "-o", folder.File("run")).Errors);
        var mask = File.ReadAllBytes(folder.File("2.tif"));
        WriteMask(2, 3);
        var changed = CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2");
        Assert.Contains("1 training image with ", changed.Errors, StringComparison.Ordinal);
        File.WriteAllBytes(folder.File("2.tif"), mask);

        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2").Errors);

        Assert.Equal(3, File.ReadAllLines(folder.File("run/metrics.csv")).Length);
    }

    /// <summary>Shapes that cover the pixels of a stored mask teach the same; what is predicted can be learned from.</summary>
    [Fact]
    public void Drawn_masks_teach_what_stored_ones_do()
    {
        var (stored, drawn) = ("image,mask\n", "image,mask\n");
        for (var i = 0; i < 4; i++)
        {
            var (height, width) = Size(i);
            byte[] values =
                [.. Places(i).Select(place => (byte)(place.Y < 4 ? 7 : place is { X: >= 9 and < 31, Y: >= 20 and < 45 } ? 255 : 0))];
            using (var mask = Image.NewFromMemory(values, width, height, 1, Enums.BandFormat.Uchar))
                mask.Pngsave(folder.File($"{i}.mask.png"));
            if (i == 0)
                folder.Write("0.csv", $"class,x,y,width,height\nIgnore*,0,0,{width},4\ndisc,9,20,22,25\n");
            else
                folder.Write($"{i}.geojson", Polygons(("disc", 9, 20, 31, 45), ("Ignore*", -5, -5, 100, 4)));
            stored += $"{i}.png,{i}.mask.png\n";
            drawn += $"{i}.png,{i}{(i == 0 ? ".csv" : ".geojson")}\n";
        }

        foreach (var (name, table) in new[] { ("stored", stored), ("drawn", drawn) })
        {
            var run = TrainOn(folder.Write($"{name}.csv", table), "--epochs", "2", "-o", folder.File(name));
            Assert.Equal("", run.Errors);
        }

        Assert.Equal(File.ReadAllText(folder.File("stored/metrics.csv")), File.ReadAllText(folder.File("drawn/metrics.csv")));
        Assert.Equal("", CommandLine.Run("evaluate", folder.File("drawn"), folder.File("drawn.csv"), "--resamples", "20").Errors);
        var predicted = CommandLine.Run("predict", folder.File("drawn"), folder.File("1.png"), "-o", folder.File("maps"), "--polygons");
        Assert.Equal("", predicted.Errors);
        var again = folder.Write("again.csv", "image,mask\n1.png,maps/1.polygons.geojson\n0.png,0.csv\n");
        Assert.Equal("", TrainOn(again, "--epochs", "1", "--validation", "0", "-o", folder.File("again")).Errors);

        folder.Write("1.geojson", Polygons(("disk", 9, 20, 31, 45)));
        Assert.Contains(
            "1.geojson: it has the class 'disk' at 550 pixel(s), which is none of the classes ground, disc; name that class as well, or have it ignored",
            TrainOn(folder.File("drawn.csv"), "-o", folder.File("refused")).Errors,
            StringComparison.Ordinal);
    }

    /// <summary>Where a few areas of an image were annotated, the rest is as if a stored mask had it ignored.</summary>
    [Fact]
    public void What_nobody_has_labelled_need_not_count()
    {
        var (stored, drawn) = ("image,mask\n", "image,mask\n");
        for (var i = 0; i < 3; i++)
        {
            var (height, width) = Size(i);
            byte[] values =
            [
                .. Places(i).Select(place => (byte)(
                    place is { X: >= 12 and < 20, Y: >= 24 and < 33 } ? 255 : place is { X: >= 40, Y: >= 50 } ? 0 : 7)),
            ];
            using (var mask = Image.NewFromMemory(values, width, height, 1, Enums.BandFormat.Uchar))
                mask.Pngsave(folder.File($"{i}.mask.png"));
            folder.Write($"{i}.geojson", Polygons(("disc", 12, 24, 20, 33), ("ground", 40, 50, 100, 100)));
            stored += $"{i}.png,{i}.mask.png\n";
            drawn += $"{i}.png,{i}.geojson\n";
        }

        Assert.Equal("", TrainOn(folder.Write("stored.csv", stored), "--epochs", "2", "-o", folder.File("stored")).Errors);
        var table = folder.Write("drawn.csv", drawn);
        Assert.Equal("", TrainOn(table, "--ignore-unlabelled", "--epochs", "2", "-o", folder.File("drawn")).Errors);

        Assert.Equal(File.ReadAllText(folder.File("stored/metrics.csv")), File.ReadAllText(folder.File("drawn/metrics.csv")));
        Assert.Equal("yes", Safetensors.ReadMetadata(folder.File("drawn/best.safetensors"))["ignores-unlabelled"]);
        Assert.Equal("", CommandLine.Run("evaluate", folder.File("drawn"), table, "--part", "all", "--resamples", "20").Errors);
        Assert.Contains("asked for", TrainOn(table, "--ignore-unlabelled", "--dry-run").Output, StringComparison.Ordinal);
        // Without it the rest is of the first class, of which there is much more.
        Assert.Equal("", TrainOn(table, "--epochs", "2", "-o", folder.File("first")).Errors);
        Assert.NotEqual(File.ReadAllText(folder.File("drawn/metrics.csv")), File.ReadAllText(folder.File("first/metrics.csv")));
    }

    [Fact]
    public void A_dry_run_tells_the_plan_and_writes_nothing()
    {
        var run = Train("--dry-run", "-o", folder.File("dry"));
        Assert.Equal("", run.Errors);
        Assert.Contains("Nothing was trained or written", run.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("dry")));
    }

    [Fact]
    public void Folds_are_pooled_by_their_pixels()
    {
        var table = folder.Write("folds.csv", "image,mask,board\n" + string.Concat(
            Enumerable.Range(0, 8).Select(i => $"{i}.png,{i}.tif,b{i / 2}\n")));

        var run = TrainOn(table, "--folds", "2", "--group", "board", "--epochs", "1", "--validation", "0", "-o", folder.File("run"));

        Assert.Equal("", run.Errors);
        Assert.Contains("All 2 folds, 8 images, pooled", run.Output, StringComparison.Ordinal);
        Assert.Contains("1000 resamples of 4 groups", run.Output, StringComparison.Ordinal);
        var sums = new double[Classes, Classes];
        var seen = new List<string>();
        foreach (var fold in (int[])[1, 2])
        {
            var lines = File.ReadAllLines(folder.File($"run/fold-{fold}/test-sums.csv"));
            Assert.Equal("image,group,loss,ground as ground,ground as disc,disc as ground,disc as disc", lines[0]);
            foreach (var fields in lines.Skip(1).Select(line => line.Split(',')))
            {
                seen.Add(fields[0]);
                for (var i = 0; i < Classes * Classes; i++)
                    sums[i / Classes, i % Classes] += double.Parse(fields[3 + i], System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        Assert.Equal(Enumerable.Range(0, 8).Select(i => folder.File($"{i}.png")), seen.Select(Path.GetFullPath).Order());
        Assert.Equal(Enumerable.Range(0, 8).Sum(i => (Size(i).Height - 4) * Size(i).Width), sums.Cast<double>().Sum());
        var ofDisc = sums[1, 1] / (sums[1, 1] + sums[0, 1] + sums[1, 0]);
        Assert.Equal(
            ofDisc,
            double.Parse(Value(folder.File("run/folds.csv"), "IoU of disc"), System.Globalization.CultureInfo.InvariantCulture),
            1e-12);
        Assert.Contains("<h2>Folds</h2>", File.ReadAllText(folder.File("run/report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_is_refused_in_a_sentence()
    {
        CommandLine.Run("train", folder.File("pairs.csv"), "--loss", "dice", "--ignore", "7")
            .IsRefused("--ignore, --loss is of --task segmentation and --task maps alone; leave it out, or choose one of them.");
        Train("--pooling", "max", "--calibrate")
            .IsRefused("--pooling, --calibrate is not of --task segmentation, which judges each pixel of whole images; leave it out.");
        Train("--loss", "dice", "--class-weights", "1,2").IsRefused(
            "The loss cannot be used: class weights are of cross-entropy and the focal loss, and Dice counts all classes alike.");
        CommandLine.Run("train", folder.File("pairs.csv"), "--task", "segmentation", "--classes", "ground,disc=1").IsRefused(
            "Of 2 classes 1 have a value; write name=value for all of them, or names alone for 0, 1 and so on.");
    }

    private CommandLine Train(params string[] more) => TrainOn(folder.File("pairs.csv"), more);

    private static CommandLine TrainOn(string table, params string[] more) => CommandLine.Run(
    [
        "train",
        table,
        "--task",
        "segmentation",
        "--classes",
        "ground=0,disc=255",
        "--ignore",
        "7",
        "--model",
        "sparse",
        "--tile",
        "32",
        "--batch", "2", .. more,
    ]);

    private static string Polygons(params (string Class, int Left, int Top, int Right, int Bottom)[] boxes) => JsonSerializer.Serialize(
        boxes.Select(box => new
        {
            type = "Feature",
            properties = new { classification = new { name = box.Class } },
            geometry = new
            {
                type = "Polygon",
                coordinates = new[]
                {
                    new int[][]
                        { [box.Left, box.Top], [box.Right, box.Top], [box.Right, box.Bottom], [box.Left, box.Bottom], [box.Left, box.Top] },
                },
            },
        }));

    private void WritePair(int number)
    {
        var (height, width) = Size(number);
        byte[] pixels =
            [.. Places(number).SelectMany(place => Enumerable.Repeat((byte)(IsDisc(number, place) ? 200 : 60 + (place.X * 7 % 13)), 3))];
        using var image = Image.NewFromMemory(pixels, width, height, 3, Enums.BandFormat.Uchar).Copy(
            interpretation: Enums.Interpretation.Srgb);
        image.Pngsave(folder.File($"{number}.png"));
        WriteMask(number, 0);
    }

    private void WriteMask(int number, int shift)
    {
        var (height, width) = Size(number);
        byte[] values = [.. Places(number).Select(place => (byte)(place.Y < 4 ? 7 : IsDisc(number, (place.Y, place.X - shift)) ? 255 : 0))];
        using var mask = Image.NewFromMemory(values, width, height, 1, Enums.BandFormat.Uchar);
        mask.Tiffsave(folder.File($"{number}.tif"), tile: true, tileWidth: 32, tileHeight: 32);
    }

    private static (int Height, int Width) Size(int number) => (70 + number, 61 + (number % 3));

    private static IEnumerable<(int Y, int X)> Places(int number) =>
        from y in Enumerable.Range(0, Size(number).Height) from x in Enumerable.Range(0, Size(number).Width) select (y, x);

    private static bool IsDisc(int number, (int Y, int X) place)
    {
        var (y, x) = (place.Y - 30 - (number * 2), place.X - 25 - number);
        return (y * y) + (x * x) < 18 * 18;
    }

    private static string Value(string metrics, string name) =>
        File.ReadLines(metrics).Single(line => line.StartsWith($"{name},", StringComparison.Ordinal)).Split(',')[1];
}
