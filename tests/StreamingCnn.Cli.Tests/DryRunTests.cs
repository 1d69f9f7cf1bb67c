using System.Globalization;
using NetVips;

namespace StreamingCnn.Cli.Tests;

/// <summary>The recipes of examples/recipes on small pyramids laid out as docs/recipes.md says.</summary>
public class DryRunTests
{
    [Theory]
    [InlineData("camelyon17", "label", "patient_{0:000}_node_0.tif", "classes: metastasis, negative.", "pathology-8192")]
    [InlineData("tupac16", "proliferation", "TUPAC-TR-{0:000}.svs", "numbers: proliferation.", "pathology-4096")]
    public void A_recipe_is_tried_out_without_training(string recipe, string column, string name, string task, string model)
    {
        using var folder = new TemporaryFolder();
        var lines = new List<string> { $"image,{column},split" };
        for (var i = 0; i < 5; i++)
        {
            var slide = $"slides/{string.Format(CultureInfo.InvariantCulture, name, i)}";
            WriteSlide(folder.Write(slide, ""), 1600 + (40 * i), 1900);
            lines.Add(
                $"{slide},{(column == "label" ? i % 2 == 0 ? "negative" : "metastasis" : $"{i}.5")},{(i == 4 ? "validation" : "train")}");
        }

        var table = folder.Write("labels.csv", string.Join('\n', lines));
        var run = CommandLine.Run("train", table, "--config", Recipe(recipe), "--output", folder.File("run"), "--dry-run");

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.Contains($"4 images to train on, 1 to validate, 0 to test; {task}", run.Output);
        Assert.Contains($"{model}, streamed", run.Output);
        Assert.Contains("Images are cropped to their foreground", run.Output);
        Assert.Contains("100 epochs of 1 update, each with 4 images; adam at 0.0001", run.Output);
        Assert.Contains("Nothing was trained or written; leave out --dry-run to start.", run.Output);
        Assert.False(Directory.Exists(folder.File("run")));
    }

    [Fact]
    public void Parts_of_images_are_what_is_planned_for()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["a", "b", "c", "d"])
            WriteSlide(folder.Write($"{name}.tif", ""), 700, 900);
        var table = folder.Write("labels.csv", "image,label\na.tif,x\nb.tif,y\nc.tif,x\nd.tif,y\n");

        var run = CommandLine.Run("train", table, "--crop", "200x300", "--tile", "128", "--dry-run");

        Assert.Equal("", run.Errors);
        Assert.Contains("images up to 700 x 900 px", run.Output);
        Assert.Contains("Training images are parts of 200 x 300 px.", run.Output);
        Assert.Contains("The plan for a part of an image:\nimage      200 x 300 px", run.Output);
        Assert.DoesNotContain("if every image were as large", run.Output);
    }

    [Fact]
    public void A_damaged_slide_is_found_by_a_dry_run()
    {
        using var folder = new TemporaryFolder();
        folder.Write("slides/TUPAC-TR-001.svs", "no slide");
        var table = folder.Write("labels.csv", "image,proliferation\nslides/TUPAC-TR-001.svs,0.5\n");

        var run = CommandLine.Run("train", table, "--config", Recipe("tupac16"), "--dry-run");

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("line 2: the image slides/TUPAC-TR-001.svs", run.Errors);
    }

    [Fact]
    public void A_run_under_way_is_not_tried_out() => CommandLine.Run("train", "--resume", "somewhere", "--dry-run")
        .IsRefused("--dry-run shows what a new run would do, so it cannot be given together with --resume; leave out one or the other.");

    /// <summary>White glass with a darker block of tissue, at 0.5 micrometres per pixel.</summary>
    private static void WriteSlide(string path, int height, int width)
    {
        using var glass = (Image.Black(width, height, bands: 3) + 240).Cast(Enums.BandFormat.Uchar);
        using var tissue = (Image.Black(width / 2, height / 2, bands: 3) + new[] { 190.0, 110, 170 }).Cast(Enums.BandFormat.Uchar);
        using var slide = glass.Insert(tissue, width / 4, height / 4).Copy(
            interpretation: Enums.Interpretation.Srgb, xres: 2000, yres: 2000);
        var temporary = path + ".tif";
        slide.Tiffsave(
            temporary,
            compression: Enums.ForeignTiffCompression.Deflate,
            tile: true,
            tileWidth: 256,
            tileHeight: 256,
            pyramid: true,
            xres: 2000,
            yres: 2000,
            resunit: Enums.ForeignTiffResunit.Cm);
        File.Move(temporary, path, overwrite: true);
    }

    private static string Recipe(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "StreamingCnn.slnx")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, "examples", "recipes", $"{name}.json");
    }
}
