using System.Globalization;
using NetVips;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Tests;

/// <summary>Objects and boundaries of <c>scnn evaluate</c>, on bright squares that stand in boxes.</summary>
public sealed class ObjectsTests : IDisposable
{
    private const int Side = 72;

    private readonly TemporaryFolder folder = new();

    public ObjectsTests()
    {
        var table = "image,mask,split\n";
        for (var i = 0; i < 10; i++)
        {
            using var dark = Image.Black(Side, Side) + 40;
            var drawn = dark;
            var boxes = "class,left,top,right,bottom\n";
            foreach (var (left, top) in ((int, int)[])[(6 + i, 8), (22 + i, 8), (12, 40 + i)])
            {
                using var square = (Image.Black(12, 12) + 220).Embed(left + 2, top + 2, Side, Side);
                drawn = (square > 0).Ifthenelse(square, drawn);
                boxes += $"square,{left},{top},{left + 16},{top + 16}\n";
            }

            using var bytes = drawn.Cast(Enums.BandFormat.Uchar);
            bytes.Pngsave(folder.File($"{i}.png"));
            folder.Write($"{i}.csv", boxes);
            table += $"{i}.png,{i}.csv,{(i < 6 ? "train" : i < 7 ? "val" : "test")}\n";
        }

        folder.Write("squares.csv", table);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Boxes_that_touch_are_found_one_by_one()
    {
        var trained = CommandLine.Run(
            "train", folder.File("squares.csv"), "--task", "segmentation", "--box-core", "0.6", "--model", "unet-small", "--norm", "instance",
            "--epochs", "8", "--batch", "1", "--rate", "0.01", "--tile", "72", "-o", folder.File("run"));
        Assert.Equal("", trained.Errors);
        Assert.Equal("0.6", Safetensors.ReadMetadata(folder.File("run/best.safetensors"))["box-core"]);

        var judged = CommandLine.Run(
            "evaluate", folder.File("run"), folder.File("squares.csv"), "--overlap", "0.33", "--min-area", "20", "--boundary-tolerance", "2",
            "--resamples", "20");

        Assert.Equal("", judged.Errors);
        var metrics = File.ReadLines(folder.File("run/evaluation/metrics.csv")).Select(line => line.Split(','))
            .ToDictionary(fields => fields[0], fields => fields[1]);
        Assert.Equal(metrics["mean AP"], metrics["AP of square"]);
        Assert.True(Value("mean AP") > 0.9, metrics["mean AP"]);
        Assert.True(Value("object recall of square") > 0.9, metrics["object recall of square"]);
        Assert.True(Value("mean boundary F1") > 0.8, metrics["mean boundary F1"]);
        Assert.Contains(
            "mean AP,object F1,", File.ReadLines(folder.File("run/evaluation/predictions.csv")).First(), StringComparison.Ordinal);
        Assert.Contains("mean AP", File.ReadAllText(folder.File("run/evaluation/report.html")), StringComparison.Ordinal);

        // No score reaches 1, so that none counts; the average precision is of all.
        Assert.Equal("", CommandLine.Run(
            "evaluate", folder.File("run"), folder.File("squares.csv"), "--overlap", "0.33", "--min-area", "20", "--min-score", "1",
            "--resamples", "0", "--worst", "2", "-o", folder.File("none")).Errors);
        // As many of the worst images as were asked for, the worst first, and one where nobody asked.
        var asked = File.ReadAllText(folder.File("none/report.html"));
        var usual = File.ReadAllText(folder.File("run/evaluation/report.html"));
        Assert.Contains("worst but 1: ", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("worst but 2: ", asked, StringComparison.Ordinal);
        Assert.Contains("worst: ", usual, StringComparison.Ordinal);
        Assert.DoesNotContain("worst but 1: ", usual, StringComparison.Ordinal);
        var none = File.ReadLines(folder.File("none/metrics.csv")).Select(line => line.Split(','))
            .ToDictionary(fields => fields[0], fields => fields[1]);
        Assert.Equal(0, double.Parse(none["object recall"], CultureInfo.InvariantCulture));
        Assert.Equal(0, double.Parse(none["object F1 of square"], CultureInfo.InvariantCulture));
        Assert.Equal(metrics["mean AP"], none["mean AP"]);
        Assert.Equal(metrics["greatest object F1"], none["greatest object F1"]);
        Assert.True(Value("greatest object F1") >= Value("object F1"), metrics["greatest object F1"]);
        Assert.InRange(Value("score of greatest object F1"), 0.3, 1);

        // Without growing them the boxes are the middles, of 0.36 of the area at most.
        Assert.Equal("", CommandLine.Run(
            "evaluate", folder.File("run"), folder.File("squares.csv"), "--overlap", "0.5", "--box-core", "1", "-o", folder.File("whole")).Errors);
        Assert.Contains("mean AP,0", File.ReadAllText(folder.File("whole/metrics.csv")), StringComparison.Ordinal);

        // The mean over mirror images is of a map of its own, in files and in what is judged; none is what there is without it.
        string[] objects = [folder.File("run"), folder.File("squares.csv"), "--overlap", "0.33", "--min-area", "20", "--resamples", "0"];
        foreach (var views in (string[])["none", "flips", "turns"])
            Assert.Equal("", CommandLine.Run(["evaluate", .. objects, "--average", views, "-o", folder.File(views)]).Errors);
        Assert.Equal(metrics["mean IoU"], Metric("none", "mean IoU"));
        Assert.Equal(metrics["mean AP"], Metric("none", "mean AP"));
        Assert.Equal(Scores("run/evaluation"), Scores("none"));
        Assert.NotEqual(Scores("none"), Scores("flips"));
        Assert.NotEqual(Scores("flips"), Scores("turns"));
        Assert.True(double.Parse(Metric("turns", "mean AP"), CultureInfo.InvariantCulture) > 0.9, Metric("turns", "mean AP"));
        foreach (var (name, views) in (IEnumerable<(string, string[])>)[("alone", []), ("mean", ["--average", "turns"])])
            Assert.Equal("", CommandLine.Run(
                ["predict", folder.File("run"), folder.File("9.png"), "--probabilities", "float", .. views, "-o", folder.File(name)]).Errors);
        using (var alone = Image.NewFromFile(folder.File("alone/9.probabilities.tif")))
        using (var mean = Image.NewFromFile(folder.File("mean/9.probabilities.tif")))
        using (var sum = mean[0] + mean[1])
        using (var difference = (mean - alone).Abs())
        {
            Assert.Equal(1, sum.Min(), 1e-5);
            Assert.Equal(1, sum.Max(), 1e-5);
            Assert.True(difference.Max() > 1e-4);
        }

        CommandLine.Run("evaluate", folder.File("run"), folder.File("squares.csv"), "--min-area", "3")
            .IsRefused("--min-area is of objects, which --overlap judges; give both, or leave it out.");
        CommandLine.Run("evaluate", folder.File("run"), folder.File("squares.csv"), "--min-score", "0.3")
            .IsRefused("--min-score is of objects, which --overlap judges; give both, or leave it out.");
        CommandLine.Run("evaluate", folder.File("run"), folder.File("squares.csv"), "--threshold", "0.3")
            .IsRefused("--threshold is of --overlap and --boundary-tolerance; give one of them, or leave it out.");
        CommandLine.Run("train", folder.File("squares.csv"), "--box-core", "0.5")
            .IsRefused("--box-core is of --task segmentation alone; leave it out, or choose that task.");

        string Metric(string run, string name) => File.ReadLines(folder.File($"{run}/metrics.csv")).Select(line => line.Split(','))
            .Single(fields => fields[0] == name)[1];
        // Scores of found objects are seen in the best of their thresholds, to the last digit.
        string Scores(string run) => Metric(run, "score of greatest object F1");
        double Value(string name) => double.Parse(metrics[name], CultureInfo.InvariantCulture);
    }
}
