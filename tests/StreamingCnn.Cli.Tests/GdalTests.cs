using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace StreamingCnn.Cli.Tests;

/// <summary>
/// What satellites send, from the file to the map: models of all bands and of chosen ones, whose heatmaps GDAL finds where the scene is.
/// </summary>
public sealed class GdalTests : IDisposable
{
    private const int Height = 72;
    private const int Width = 88;
    private const double East = 399_960;
    private const double North = 5_800_020;
    private const double Pixel = 20;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(13, "tif")]
    [InlineData(4, "tif")]
    [InlineData(4, "jp2")]
    public void Heatmaps_lie_where_the_scene_does(int bands, string ending)
    {
        Write(bands, ending);
        var scene = Corners(folder.File($"0.{ending}"));
        Assert.Equal([East, North, East + (Width * Pixel), North - (Height * Pixel)], scene.Corners);

        Train("all");
        Train("rgb", "--bands", "4,3,2");
        Train("small", "--downsample", "2");
        foreach (var run in (string[])["all", "rgb", "small"])
        {
            var predicted = CommandLine.Run("predict", folder.File(run), folder.File($"0.{ending}"), "--tile", "64");
            Assert.Equal("", predicted.Errors);
            Assert.Equal(2, predicted.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.Contains(',')));
            var shown = CommandLine.Run(
                "saliency", folder.File($"0.{ending}"), "--weights", folder.File(run), "--tile", "64", "--raw", "--map-coordinates", "-o",
                folder.File($"{run}-maps"));
            Assert.Equal("", shown.Errors);
            foreach (var (name, channels) in new[] { ("0.saliency.tif", 1), ("0.gradient.tif", run == "rgb" ? 3 : bands) })
            {
                var map = Corners(folder.File($"{run}-maps/{name}"));
                Assert.Equal(scene.Corners, map.Corners);
                Assert.Equal(scene.Crs, map.Crs);
                Assert.Equal(channels, map.Bands);
            }

            var regions = File.ReadAllText(folder.File($"{run}-maps/0.regions.geojson"));
            Assert.Contains("EPSG::32633", regions, StringComparison.Ordinal);
        }

        // As the model of three bands reads them, not all of them.
        var small = Corners(folder.File("small-maps/0.saliency.tif"));
        Assert.Equal((Width / 2, Height / 2), (small.Width, small.Height));
    }

    /// <summary>Scenes and masks alike may be JPEG 2000.</summary>
    [Fact]
    public void Maps_of_classes_lie_where_the_scene_does()
    {
        Write(3, "jp2");
        var table = "image,mask\n";
        for (var i = 0; i < 4; i++)
        {
            TaggedTiff.Of(Height, Width, 1, (y, x, _) => (byte)(x / 8 % 2 == i % 2 ? 1 : 0)).WriteTo(folder.File("mask.tif"));
            GdalTools.ToJpeg2000(folder.File("mask.tif"), folder.File($"{i}.mask.jp2"));
            table += $"{i}.jp2,{i}.mask.jp2\n";
        }

        folder.Write("masks.csv", table);
        var trained = CommandLine.Run(
            "train", folder.File("masks.csv"), "--task", "segmentation", "--classes", "land,water", "--model", "sparse", "--epochs", "1",
            "--tile", "32", "--validation", "0.5", "-o", folder.File("run"));
        Assert.Equal("", trained.Errors);
        var predicted = CommandLine.Run("predict", folder.File("run"), folder.File("0.jp2"), "--tile", "32", "-o", folder.File("maps"));
        Assert.Equal("", predicted.Errors);
        var (scene, map) = (Corners(folder.File("0.jp2")), Corners(Directory.GetFiles(folder.File("maps"), "*.tif").Order().First()));
        Assert.Equal(scene.Corners, map.Corners);
        Assert.Equal(scene.Crs, map.Crs);
        Assert.Equal((Width, Height), (map.Width, map.Height));
    }

    private void Train(string run, params string[] options)
    {
        var done = CommandLine.Run(
            ["train", folder.File("scenes.csv"), "--epochs", "1", "--tile", "64", "--validation", "0.5", "-o", folder.File(run), .. options]);
        Assert.Equal("", done.Errors);
    }

    private void Write(int bands, string ending)
    {
        var random = new Random(bands);
        var places = new double[4];
        for (var i = 0; i < places.Length; i++)
        {
            // Reflectances as Sentinel-2 has them, of 16 bits.
            TaggedTiff.Of(Height, Width, bands, (y, x, band) =>
                (ushort)(800 + (150 * band) + (i % 2 * 900) + (((y / 8) + (x / 8)) % 2 * 300) + random.Next(200)))
                .Shorts(262, 1).Shorts(338, [.. Enumerable.Repeat((ushort)0, bands - 1)])
                .Doubles(33550, Pixel, Pixel, 0).Doubles(33922, 0, 0, 0, East, North, 0)
                .Shorts(34735, 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633)
                .WriteTo(folder.File($"{i}.tif"));
            if (ending == "jp2")
                GdalTools.ToJpeg2000(folder.File($"{i}.tif"), folder.File($"{i}.jp2"), "-co", "BLOCKXSIZE=32", "-co", "BLOCKYSIZE=32");
        }

        folder.Write("scenes.csv", $"image,label\n0.{ending},water\n1.{ending},land\n2.{ending},water\n3.{ending},land\n");
    }

    /// <summary>Left, upper, right and lower edge on the map, by GDAL's own program; skips the test where that is not installed.</summary>
    private static (double[] Corners, string Crs, int Bands, int Width, int Height) Corners(string path)
    {
        using var process = Start(path);
        if (process is null)
        {
            Assert.Skip("GDAL is not installed here.");
            return default;
        }

        using var told = JsonDocument.Parse(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        var corners = told.RootElement.GetProperty("cornerCoordinates");
        var (upper, lower) = (corners.GetProperty("upperLeft"), corners.GetProperty("lowerRight"));
        var size = told.RootElement.GetProperty("size");
        return (
            [upper[0].GetDouble(), upper[1].GetDouble(), lower[0].GetDouble(), lower[1].GetDouble()],
            told.RootElement.GetProperty("coordinateSystem").GetProperty("wkt").GetString()!,
            told.RootElement.GetProperty("bands").GetArrayLength(),
            size[0].GetInt32(),
            size[1].GetInt32());
    }

    private static Process? Start(string path)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("gdalinfo", ["-json", path]) { RedirectStandardOutput = true });
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
