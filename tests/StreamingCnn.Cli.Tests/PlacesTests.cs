using System.Globalization;
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

/// <summary>Where a GeoTIFF lies on the ground, and where it has no data, goes into all files that are made of it.</summary>
public sealed class PlacesTests : IDisposable
{
    private const int Height = 90;
    private const int Width = 120;
    private const double East = 500_000;
    private const double North = 4_000_000;
    private const double Pixel = 10;

    private readonly TemporaryFolder folder = new();

    public PlacesTests()
    {
        // A corner without data, as scenes of satellites have.
        Write("scene.tif", image => image.Doubles(33550, Pixel, Pixel, 0).Doubles(33922, 0, 0, 0, East, North, 0));
        // The same, turned by a matrix of its own.
        Write("turned.tif", image => image.Doubles(34264, 8, 6, 0, East, 6, -8, 0, North, 0, 0, 0, 0, 0, 0, 0, 1));
        TaggedTiff.Of(Height, Width, 3, (y, x, _) => (byte)(y + x)).WriteTo(folder.File("nowhere.tif"));
        Save("whole.safetensors", new ClassificationTask(["a", "b"]), "small", NormKind.Frozen, null, HeadPooling.Attention);
        Save("maps.safetensors", new SegmentationTask(["ground", "disc", "ring"]), "unet-small", NormKind.Instance, null);
        Save("small-maps.safetensors", new SegmentationTask(["ground", "disc"]), "unet-small", NormKind.Instance, 2.5);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Heat_lies_where_the_image_does_and_is_nothing_where_there_are_no_data()
    {
        var run = Saliency("scene.tif", "--raw");
        Assert.Equal("", run.Errors);
        foreach (var name in (string[])["scene.saliency.tif", "scene.gradient.tif"])
        {
            AssertCorners(name, (East, North), (East + (Width * Pixel), North - (Height * Pixel)));
            Assert.True(double.IsNaN(ImageInfo.Read(folder.File($"out/{name}")).NoData!.Value));
            using var scope = NewDisposeScope();
            using var heat = ImageSource.Open(folder.File($"out/{name}"), new ImageOptions { NoData = NoDataHandling.Keep });
            var values = heat.Read(0, 0, Height, Width);
            Assert.True(values.narrow(2, 0, 30).narrow(3, 0, 40).isnan().all().item<bool>());
            Assert.True(values.narrow(2, 30, 60).isfinite().all().item<bool>());
        }
    }

    [Theory]
    [InlineData("attention")]
    [InlineData("cam")]
    public void Attention_and_activations_do_so_too(string method)
    {
        Saliency("turned.tif", "--method", method, "--downsample", "2");
        AssertCorners("turned.saliency.tif", (East, North), (East + (8 * Width) + (6 * Height), North + (6 * Width) - (8 * Height)));
    }

    [Fact]
    public void A_smaller_image_lies_at_the_same_place_and_regions_have_its_coordinates()
    {
        var run = Saliency("scene.tif", "--downsample", "2.4", "--map-coordinates");
        Assert.Equal(Program.Success, run.ExitCode);
        AssertCorners("scene.saliency.tif", (East, North), (East + (Width * Pixel), North - (Height * Pixel)));
        Assert.True(ImageInfo.Read(folder.File("out/scene.saliency.tif")).Width < Width);
        using var json = JsonDocument.Parse(File.ReadAllText(folder.File("out/scene.regions.geojson")));
        Assert.Equal(
            "urn:ogc:def:crs:EPSG::32631",
            json.RootElement.GetProperty("crs").GetProperty("properties").GetProperty("name").GetString());
        var rings = json.RootElement.GetProperty("features").EnumerateArray()
            .Select(feature => feature.GetProperty("geometry").GetProperty("coordinates")[0]).ToArray();
        Assert.NotEmpty(rings);
        foreach (var ring in rings)
        {
            var corners = ring.EnumerateArray().Select(corner => (X: corner[0].GetDouble(), Y: corner[1].GetDouble())).ToArray();
            Assert.All(corners, corner => Assert.InRange(corner.X, East, East + (Width * Pixel)));
            Assert.All(corners, corner => Assert.InRange(corner.Y, North - (Height * Pixel), North));
            // An outline runs the positive way round, where y points up.
            Assert.True(corners.Zip(corners[1..], (a, b) => (a.X * b.Y) - (b.X * a.Y)).Sum() > 0);
        }

        // Without the option pixels, as before.
        Saliency("scene.tif", "--downsample", "2.4");
        Assert.DoesNotContain("crs", File.ReadAllText(folder.File("out/scene.regions.geojson")), StringComparison.Ordinal);
    }

    [Fact]
    public void Coordinates_that_an_image_does_not_have_are_refused_before_the_first_image()
    {
        Saliency("nowhere.tif", folder.File("scene.tif"), "--map-coordinates").IsRefused(
            $"--map-coordinates is of GeoTIFFs that say where they lie, and '{folder.File("nowhere.tif")}' does not; leave it out.");
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Theory]
    [InlineData("maps.safetensors")]
    [InlineData("small-maps.safetensors")]
    public void Maps_of_classes_lie_where_the_image_does_and_have_a_number_for_no_data(string model)
    {
        var run = CommandLine.Run(
            "predict", folder.File(model), folder.File("scene.tif"), "-o", folder.File("out"), "--tile", "64", "--class-map", "--objects",
            "--probabilities", "float");
        Assert.Equal(Program.Success, run.ExitCode);
        AssertCorners("scene.classes.tif", (East, North), (East + (Width * Pixel), North - (Height * Pixel)));
        AssertCorners("scene.probabilities.tif", (East, North), (East + (Width * Pixel), North - (Height * Pixel)));
        var info = ImageInfo.Read(folder.File("out/scene.probabilities.tif"));
        Assert.Equal(model == "maps.safetensors" ? ["ground", "disc", "ring"] : ["ground", "disc"], info.BandNames);
        Assert.True(double.IsNaN(info.NoData!.Value));

        using var scope = NewDisposeScope();
        using var probabilities = ImageSource.Open(info.Path, new ImageOptions { NoData = NoDataHandling.Keep });
        var isNone = probabilities.Read(0, 0, info.Height, info.Width).isnan().all(1).flatten().to(ScalarType.Int32).data<int>().ToArray();
        var expected = (int)(info.Height / 3) * (int)(info.Width / 3);
        Assert.InRange(isNone.Sum(), 0.9 * expected, 1.1 * expected);
        Assert.True(HasTag(folder.File("out/scene.classes.tif"), "255"));
        // The rest has a class, and the table counts no other.
        var counts = File.ReadAllLines(folder.File("out/counts.csv"))[1..].Select(line => line.Split(',')).ToArray();
        Assert.Equal(
            (info.Height * info.Width) - isNone.Sum(), counts.Sum(line => long.Parse(line[2], CultureInfo.InvariantCulture)));
        Assert.Equal(1, counts.Sum(line => double.Parse(line[3], CultureInfo.InvariantCulture)), 1e-9);
    }

    [Fact]
    public void Centres_of_regions_have_coordinates_where_the_image_has_them()
    {
        var run = CommandLine.Run(
            "predict", folder.File("maps.safetensors"), folder.File("scene.tif"), folder.File("nowhere.tif"), "-o", folder.File("out"),
            "--tile", "64", "--objects");
        Assert.Equal(Program.Success, run.ExitCode);
        var lines = File.ReadAllLines(folder.File("out/objects.csv"));
        Assert.Equal("image,class,pixels,left,top,width,height,x,y,map x,map y", lines[0]);
        var places = 0;
        foreach (var fields in lines[1..].Select(line => line.Split(',')))
        {
            if (fields[0].EndsWith("nowhere.tif", StringComparison.Ordinal))
            {
                Assert.Equal(["", ""], fields[9..]);
                continue;
            }

            places++;
            // Pixels are told to two digits.
            Assert.Equal(East + (Number(fields[7]) * Pixel), Number(fields[9]), 0.06);
            Assert.Equal(North - (Number(fields[8]) * Pixel), Number(fields[10]), 0.06);
        }

        Assert.True(places > 0);

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }

    [Fact]
    public void The_place_is_told()
    {
        var run = CommandLine.Run("info", folder.File("scene.tif"));
        Assert.Contains(
            "place         EPSG:32631, upper left (500000, 4000000), upper right (501200, 4000000)", run.Output, StringComparison.Ordinal);
        Assert.Contains("lower left (500000, 3999100), lower right (501200, 3999100)", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("place  ", CommandLine.Run("info", folder.File("nowhere.tif")).Output, StringComparison.Ordinal);
    }

    private CommandLine Saliency(string image, params string[] options) => CommandLine.Run(
        [
            "saliency", folder.File(image), "--weights", folder.File("whole.safetensors"), "--tile", "64", "-o", folder.File("out"), .. options,
        ]);

    /// <summary>Whether a file has GDAL's tag for no data with a text of three letters, which stands in the entry.</summary>
    private static bool HasTag(string path, string text)
    {
        byte[] entry = [0x81, 0xa4, 2, 0, 4, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(text), 0];
        return File.ReadAllBytes(path).AsSpan().IndexOf(entry) > 0;
    }

    private void AssertCorners(string name, (double X, double Y) upperLeft, (double X, double Y) lowerRight)
    {
        var info = ImageInfo.Read(folder.File($"out/{name}"));
        Assert.Equal(32631, info.GeoReference!.Epsg);
        var (left, top) = info.GeoReference.ToMap(0, 0);
        var (right, bottom) = info.GeoReference.ToMap(info.Width, info.Height);
        foreach (var (expected, told) in new[] { (upperLeft.X, left), (upperLeft.Y, top), (lowerRight.X, right), (lowerRight.Y, bottom) })
            Assert.Equal(expected, told, 1e-6);
    }

    private void Write(string name, Func<TaggedTiff, TaggedTiff> place)
    {
        var random = new Random(5);
        var image = TaggedTiff.Of(
            Height, Width, 3, (y, x, _) => (byte)(y < 30 && x < 40 ? 0 : (((y / 9) + (x / 11)) % 3 * 80) + 1 + random.Next(30)))
            .Text(42113, "0").Shorts(34735, 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32631);
        place(image).WriteTo(folder.File(name));
    }

    private void Save(
        string name, LearningTask task, string trunk, NormKind norm, double? downsample, HeadPooling pooling = HeadPooling.Average)
    {
        manual_seed(5);
        var description = new ModelDescription
        {
            Trunk = trunk,
            Norm = norm,
            Task = task,
            Pooling = pooling,
            Preparation = new ImagePreparation { Channels = 3, Downsample = downsample },
        };
        using var model = description.CreateModel();
        WeightFile.Save(model, folder.File(name), description.ToMetadata());
    }
}
