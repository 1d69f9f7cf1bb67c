using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Models;
using StreamingCnn.Testing;
using StreamingCnn.Training.Maps;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Maps;

/// <summary>Files of a streamed network are those of its whole map, byte by byte.</summary>
public sealed class MapFilesTests
{
    private const int Height = 203;
    private const int Width = 317;

    private static readonly IReadOnlyList<MapClass> Classes = MapClass.Of(["glass", "tissue", "ink"]);

    [Theory]
    [InlineData(null)]
    [InlineData(0.3)]
    public void Streamed_files_are_those_of_the_whole_map(double? threshold)
    {
        manual_seed(2);
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var other = new TemporaryFolder();
        // In float64, so that rounding decides nothing.
        var network = new UNet(3, Classes.Count, levels: 3, width: 8, NormKind.Instance).@double();
        network.eval();
        // Fresh ones give nearly the same everywhere.
        using (no_grad())
        {
            var scores = network.state_dict();
            scores["classifier.weight"].normal_(0, 5);
            scores["classifier.bias"].zero_();
        }

        var image = rand(1, 3, Height, Width, ScalarType.Float64);
        var options = new MapFilesOptions
        {
            ClassMap = true,
            Probabilities = MapSamples.Byte,
            Polygons = true,
            Overlay = true,
            ListRegions = true,
            LeastArea = 3,
            Threshold = threshold,
        };
        using var streaming = new StreamingModule(network, new() { Tile = (50, 64) });

        var streamed = Write(folder.File("map"), sink => streaming.Run(image, sink), options);
        var whole = Write(other.File("map"), sink => AtOnce(sink, network.forward(image)), options);

        Assert.Equal(whole.Classes, streamed.Classes);
        Assert.Equal(Height * Width, streamed.Classes.Sum(known => known.Positions));
        Assert.True(streamed.Classes.Skip(1).Sum(known => known.Regions) > 3);
        Assert.All(streamed.Regions, region => Assert.True(region.Area >= 3));
        // Regions end in the order of rows, whatever the tiles.
        foreach (var file in whole.Files)
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(folder.Path, Path.GetFileName(file))));
        Assert.Equal(
            ["map.classes.tif", "map.overlay.png", "map.polygons.geojson", "map.probabilities.tif"],
            Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_map_of_other_classes_or_another_size_leaves_no_file()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var options = new MapFilesOptions { ClassMap = true, Polygons = true };
        var four = Assert.Throws<ArgumentException>(
            () => Write(folder.File("a"), sink => AtOnce(sink, zeros(1, 4, Height, Width)), options));
        Assert.Contains("4 class(es), but 3", four.Message, StringComparison.Ordinal);
        var small = Assert.Throws<ArgumentException>(() => Write(folder.File("a"), sink => AtOnce(sink, zeros(1, 3, 8, 8)), options));
        Assert.Contains("8 x 8", small.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(
            () => Write(folder.File("a"), sink => AtOnce(sink, zeros(1, 3, Height, Width)), options with { InMap = true }));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static MapSummary Write(string stem, Action<IMapSink> run, MapFilesOptions options)
    {
        using var grad = no_grad();
        return MapFiles.Write(
            run,
            stem,
            (Height, Width),
            Classes,
            new MapPlace(Across: 2, Down: 2) { MicrometresAcross = 0.5 },
            () => new TensorImageSource(zeros([1, 3, Height, Width], ScalarType.Byte)),
            options);
    }

    private static void AtOnce(IMapSink sink, Tensor map)
    {
        sink.Begin(map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        sink.Write(0, 0, map);
    }
}
