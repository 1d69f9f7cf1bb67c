using System.Text.Json;
using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary><c>scnn predict</c> with a model that gives maps: files of each image, and what is wrong in one sentence.</summary>
public sealed class MapPredictionTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public MapPredictionTests()
    {
        for (var i = 0; i < 2; i++)
            WriteImage($"{i}.tif", 70 + i, 90, isOnGround: i == 0);
        SaveModel("maps.safetensors", new SegmentationTask(["ground", "disc", "ring"]), "unet-small", NormKind.Instance);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Files_of_maps_are_written_with_a_table_of_all_images()
    {
        var run = Predict("maps.safetensors", "-o", folder.File("out"), "--tile", "48", "--objects", "--min-area", "4");

        Assert.Equal("", run.Errors);
        Assert.Contains("2 of 2 images predicted", run.Output, StringComparison.Ordinal);
        Assert.Equal(
            [
                "0.classes.tif", "0.overlay.png", "0.polygons.geojson", "1.classes.tif", "1.overlay.png", "1.polygons.geojson",
                "counts.csv", "objects.csv",
            ],
            Directory.GetFiles(folder.File("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var info = ImageInfo.Read(folder.File("out/0.classes.tif"));
        Assert.Equal((70, 90), (info.Height, info.Width));
        Assert.Equal(32631, info.GeoReference!.Epsg);
        Assert.Equal((500_000, 4_000_000), info.GeoReference.ToMap(0, 0));
        var counts = File.ReadAllLines(folder.File("out/counts.csv"));
        Assert.Equal("image,class,pixels,share,area um^2,regions", counts[0]);
        Assert.Equal(7, counts.Length);
        Assert.Equal(70 * 90, counts[1..4].Sum(line => long.Parse(line.Split(',')[2], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(
            counts[1..].Sum(line => long.Parse(line.Split(',')[5], System.Globalization.CultureInfo.InvariantCulture)),
            File.ReadLines(folder.File("out/objects.csv")).Count() - 1);
        using var json = JsonDocument.Parse(File.ReadAllText(folder.File("out/0.polygons.geojson")));
        Assert.NotEmpty(json.RootElement.GetProperty("features").EnumerateArray());
    }

    [Fact]
    public void Only_what_is_chosen_is_written()
    {
        var run = Predict("maps.safetensors", "-o", folder.File("out"), "--probabilities", "8", "--tile", "64");

        Assert.Equal("", run.Errors);
        Assert.Equal(
            ["0.probabilities.tif", "1.probabilities.tif", "counts.csv"],
            Directory.GetFiles(folder.File("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(3, ImageInfo.Read(folder.File("out/1.probabilities.tif")).Bands);
    }

    [Fact]
    public void Coordinates_of_a_map_are_for_images_that_have_them()
    {
        var run = Predict("maps.safetensors", "-o", folder.File("out"), "--polygons", "--map-coordinates", "--tile", "64");

        Assert.Contains("the image has none", run.Errors, StringComparison.Ordinal);
        Assert.Contains("1 of 2 images predicted", run.Output, StringComparison.Ordinal);
        var text = File.ReadAllText(folder.File("out/0.polygons.geojson"));
        Assert.Contains("urn:ogc:def:crs:EPSG::32631", text, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(text);
        var corner = json.RootElement.GetProperty("features")[0].GetProperty("geometry").GetProperty("coordinates")[0][0];
        Assert.InRange(corner[0].GetDouble(), 500_000, 500_045);
        Assert.InRange(corner[1].GetDouble(), 3_999_965, 4_000_000);
    }

    [Fact]
    public void What_is_wrong_is_said_in_a_sentence()
    {
        Assert.Contains("name a folder for them by -o", Predict("maps.safetensors").Errors, StringComparison.Ordinal);
        Assert.Contains(
            "leave it out", Predict("maps.safetensors", "-o", folder.File("out"), "--format", "json").Errors, StringComparison.Ordinal);
        Assert.Contains(
            "add --polygons",
            Predict("maps.safetensors", "-o", folder.File("out"), "--class-map", "--map-coordinates").Errors,
            StringComparison.Ordinal);
        Assert.Contains("write 8 or float", Predict("maps.safetensors", "--probabilities", "16").Errors, StringComparison.Ordinal);
        Directory.CreateDirectory(folder.File("again"));
        File.Copy(folder.File("0.tif"), folder.File("again/0.tif"));
        var twins = CommandLine.Run(
            "predict", folder.File("maps.safetensors"), folder.File("0.tif"), folder.File("again/0.tif"), "-o", folder.File("out"));
        Assert.Contains("would write to the same files", twins.Errors, StringComparison.Ordinal);
        SaveModel("whole.safetensors", new ClassificationTask(["a", "b"]), "small", NormKind.Frozen);
        Assert.Contains(
            "--polygons is of models that give maps", Predict("whole.safetensors", "--polygons").Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("out")));
    }

    private (int Code, string Output, string Errors) Predict(string model, params string[] options)
    {
        var run = CommandLine.Run(["predict", folder.File(model), folder.File("0.tif"), folder.File("1.tif"), .. options]);
        return (run.ExitCode, run.Output, run.Errors);
    }

    private void SaveModel(string name, LearningTask task, string trunk, NormKind norm)
    {
        manual_seed(5);
        var description = new ModelDescription
        {
            Trunk = trunk,
            Norm = norm,
            Task = task,
            Pooling = HeadPooling.Average,
            Preparation = new ImagePreparation { Channels = 3 },
        };
        using var model = description.CreateModel();
        WeightFile.Save(model, folder.File(name), description.ToMetadata());
    }

    private void WriteImage(string name, int height, int width, bool isOnGround)
    {
        var random = new Random(height);
        var image = TaggedTiff.Of(height, width, 3, (y, x, _) => (byte)((((y / 9) + (x / 11)) % 3 * 80) + random.Next(30)));
        if (isOnGround)
        {
            image = image.Doubles(33550, 0.5, 0.5, 0).Doubles(33922, 0, 0, 0, 500_000, 4_000_000, 0)
                .Shorts(34735, 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32631);
        }

        TaggedTiff.Write(folder.File(name), image);
    }
}
