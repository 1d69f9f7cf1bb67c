namespace StreamingCnn.Cli.Tests;

/// <summary>What is done with files is said, and a model remembers what was asked for.</summary>
public class ReadingTests
{
    private const int Side = 96;

    [Fact]
    public void Alpha_is_told_and_kept_on_request_from_training_to_prediction()
    {
        using var folder = new TemporaryFolder();
        var table = Write(
            folder, i => TaggedTiff.Of(Side, Side, 4, (y, x, band) => (byte)((y * x / 40) + (i * 9) + (band * 30)), 32).Shorts(338, 2));

        Assert.Contains(
            "alpha         alpha flattened over white: 3 channels; --alpha keep reads all bands",
            CommandLine.Run("info", folder.File("0.tif")).Output,
            StringComparison.Ordinal);
        Assert.Contains(
            "channels      4", CommandLine.Run("info", folder.File("0.tif"), "--alpha", "keep").Output, StringComparison.Ordinal);
        Assert.Contains(
            "Note: alpha flattened over white: 3 channels; --alpha keep reads all bands",
            CommandLine.Run("train", table, "--tile", "96", "--dry-run").Output,
            StringComparison.Ordinal);
        AssertRemembered(folder, table, ["--alpha", "keep"], "alpha kept as a band: 4 channels", channels: 4);
    }

    [Fact]
    public void Pixels_without_data_are_filled_with_what_becomes_0()
    {
        using var folder = new TemporaryFolder();
        var table = Write(folder, i => TaggedTiff.Of(Side, Side, 1, (y, x, _) => y < 20 ? -9999f : (y * x / 40f) + i).Text(42113, "-9999"));
        var dry = CommandLine.Run("train", table, "--tile", "96", "--dry-run");
        Assert.Contains(
            "Note: the value -9999 means no data (declared in the file): "
            + "such pixels are filled; --nodata keep takes all values as they are (4 images).",
            dry.Output,
            StringComparison.Ordinal);
        // Were the hole among the values, a hundredth of them would lie below -9999.
        Assert.DoesNotContain("a hundredth lies below -9999", dry.Output, StringComparison.Ordinal);
        var kept = CommandLine.Run("train", table, "--tile", "96", "--dry-run", "--nodata", "keep");
        Assert.Contains("a hundredth lies below -9999", kept.Output, StringComparison.Ordinal);
        AssertRemembered(folder, table, [], "such pixels are filled", channels: 1);
        var metrics = File.ReadAllText(folder.File("run/metrics.csv"));
        Assert.DoesNotContain("E+", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public void Pages_are_told_joined_and_asked_for()
    {
        using var folder = new TemporaryFolder();
        var table = Write(folder, i => TaggedTiff.Of(Side, Side, 1, (y, x, _) => (byte)((y * x / 40) + i)), pages: 3);
        Assert.Contains(
            "Note: 3 pages; only the first is read; --page N reads one page alone (4 images).",
            CommandLine.Run("train", table, "--tile", "96", "--dry-run").Output,
            StringComparison.Ordinal);
        AssertRemembered(folder, table, ["--page", "2"], "page 2 of 3 is read", channels: 1);
        var beyond = CommandLine.Run("train", table, "--page", "3", "--dry-run");
        Assert.Equal(Program.Failure, beyond.ExitCode);
        Assert.Contains("page 3 was asked for, but the file has 3 page(s)", beyond.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dry_run_says_what_is_read_and_from_where_the_resolution_is()
    {
        using var folder = new TemporaryFolder();
        var table = Write(
            folder, i => TaggedTiff.Of(Side, Side, 3, (y, x, band) => (byte)((y * x / 40) + i + band))
                .Doubles(282, 40000).Doubles(283, 40000).Shorts(296, 3));
        var run = CommandLine.Run("train", table, "--tile", "96", "--dry-run");
        Assert.Contains("Read: 3 band(s) of 8 bits: 3 channel(s) (4 images).", run.Output, StringComparison.Ordinal);
        Assert.Contains(
            "Read: resolution 0.25 micrometres per pixel, from resolution tags (4 images).", run.Output, StringComparison.Ordinal);
        Assert.Contains(
            "resolution    0.25 micrometres per pixel, from resolution tags",
            CommandLine.Run("info", folder.File("0.tif")).Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_of_another_type_than_those_of_the_training_is_told()
    {
        using var folder = new TemporaryFolder();
        var table = Write(folder, i => TaggedTiff.Of(Side, Side, 1, (y, x, _) => (byte)((y * x / 40) + i)));
        Train(folder, table);
        TaggedTiff.Write(folder.File("deep.tif"), TaggedTiff.Of(Side, Side, 1, (y, x, _) => (ushort)(y * x)));
        Assert.Contains(
            "its samples are uint16, but the model was trained on uint8",
            CommandLine.Run("predict", folder.File("run"), folder.File("deep.tif")).Errors,
            StringComparison.Ordinal);
    }

    private static string Write(TemporaryFolder folder, Func<int, TaggedTiff> page, int pages = 1)
    {
        for (var i = 0; i < 4; i++)
            TaggedTiff.Write(folder.File($"{i}.tif"), [.. Enumerable.Range(0, pages).Select(number => page(i + (50 * number)))]);
        return folder.Write("l.csv", "image,label\n0.tif,a\n1.tif,b\n2.tif,a\n3.tif,b\n");
    }

    private static void AssertRemembered(TemporaryFolder folder, string table, string[] options, string told, int channels)
    {
        Train(folder, table, options);
        var predicted = CommandLine.Run("predict", folder.File("run"), folder.File("0.tif"), folder.File("1.tif"));
        Assert.Equal(Program.Success, predicted.ExitCode);
        Assert.Contains(told, predicted.Errors, StringComparison.Ordinal);
        var model = Training.Runs.ModelDescription.Load(folder.File("run/last.safetensors"));
        using (model.Model)
            Assert.Equal(channels, model.Description.Preparation.Channels);
    }

    private static void Train(TemporaryFolder folder, string table, params string[] options)
    {
        var run = CommandLine.Run(
            ["train", table, "--tile", "96", "--epochs", "1", "--validation", "0", "--output", folder.File("run"), .. options]);
        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
    }
}
