using System.Text.Json;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Maps;

/// <summary>What comes out of rectangles is what comes out of the whole map.</summary>
public sealed class MapSinkTests
{
    [Theory]
    [InlineData(4, null)]
    [InlineData(4, 0.4)]
    [InlineData(2, 0.1)]
    [InlineData(1, null)]
    [InlineData(1, 0.8)]
    public void Classes_of_rectangles_are_those_of_the_whole_map(int channels, double? threshold)
    {
        manual_seed(channels);
        using var scope = NewDisposeScope();
        var scores = randn(1, channels, 37, 53);
        var rows = new Collected();
        using var sink = new ClassMapSink([rows], threshold);
        Feed(sink, scores, 10, 16);
        sink.Complete();

        var probabilities = channels == 1 ? scores.sigmoid() : scores.softmax(1);
        for (var y = 0; y < 37; y++)
        {
            for (var x = 0; x < 53; x++)
            {
                var values = Enumerable.Range(0, channels)
                    .Select(channel => (double)probabilities[0, channel, y, x].item<float>())
                    .ToArray();
                var behind = channels == 1 ? 1 : 1 + Array.IndexOf(values[1..], values[1..].Max());
                var expected = (channels, threshold) switch
                {
                    (1, var least) => values[0] >= (least ?? 0.5) ? 1 : 0,
                    (_, null) => Array.IndexOf(values, values.Max()),
                    (_, { } least) => values[behind] >= least ? behind : 0,
                };
                Assert.Equal(expected, rows.Map[y][x]);
            }
        }
    }

    [Fact]
    public void What_is_no_map_of_classes_is_refused()
    {
        using var scope = NewDisposeScope();
        using var sink = new ClassMapSink([]);
        Assert.Contains("257", Assert.Throws<ArgumentException>(() => sink.Begin(1, 257, 4, 4)).Message, StringComparison.Ordinal);
        Assert.Contains("not of 2", Assert.Throws<ArgumentException>(() => sink.Begin(2, 3, 4, 4)).Message, StringComparison.Ordinal);
        sink.Begin(1, 2, 4, 4);
        Assert.Contains(
            "finite",
            Assert.Throws<InvalidDataException>(() => sink.Write(0, 0, full(1, 2, 4, 4, float.NaN))).Message,
            StringComparison.Ordinal);
        Assert.Contains("0 of 4 rows", Assert.Throws<InvalidOperationException>(sink.Complete).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ClassMapSink([], 1.5));
    }

    [Theory]
    [InlineData(MapSamples.Byte)]
    [InlineData(MapSamples.Float32)]
    public void Probabilities_are_written_as_they_are(MapSamples samples)
    {
        manual_seed(3);
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var scores = 3 * randn(1, 5, 61, 47);
        var path = folder.File("probabilities.tif");
        using (var file = new ProbabilityFile(path, samples))
        {
            Feed(file, scores, 20, 17);
            file.Complete();
        }

        using var source = ImageSource.Open(path, new ImageOptions { RawValues = true });
        var read = source.Read(0, 0, 61, 47).to(ScalarType.Float32);
        var expected = samples == MapSamples.Byte ? (scores.softmax(1) * 255f).round() : scores.softmax(1);
        Assert.True((read - expected).abs().max().item<float>() <= (samples == MapSamples.Byte ? 0 : 1e-6f));
    }

    [Fact]
    public void Polygons_have_the_form_that_QuPath_reads()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("polygons.geojson");
        var place = new MapPlace(Left: 100, Top: 50, Across: 4, Down: 2) { MicrometresAcross = 0.5 };
        using (var file = new PolygonFile(path, [new("glass", 0, 0, 0), new("tissue", 10, 20, 30)], place))
        {
            var tracer = new RegionTracer(file.Write);
            tracer.Begin(3, 4);
            foreach (var (y, row) in new byte[][] { [0, 1, 1, 1], [0, 1, 0, 1], [0, 1, 1, 1] }.Index())
                tracer.Write(y, row);
            tracer.Complete();
            file.Complete();
            Assert.Equal(1, file.Written[1]);
        }

        using var json = JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal("FeatureCollection", json.RootElement.GetProperty("type").GetString());
        var feature = json.RootElement.GetProperty("features").EnumerateArray().Single();
        Assert.Equal("Feature", feature.GetProperty("type").GetString());
        Assert.Equal("Polygon", feature.GetProperty("geometry").GetProperty("type").GetString());
        var rings = feature.GetProperty("geometry").GetProperty("coordinates").EnumerateArray()
            .Select(ring => ring.EnumerateArray().Select(corner => (corner[0].GetDouble(), corner[1].GetDouble())).ToArray()).ToArray();
        Assert.Equal(2, rings.Length);
        Assert.All(rings, ring => Assert.Equal(ring[0], ring[^1]));
        Assert.Equal([(104, 50), (104, 56), (116, 50), (116, 56)], rings[0].Distinct().Order());
        var properties = feature.GetProperty("properties");
        Assert.Equal("annotation", properties.GetProperty("objectType").GetString());
        Assert.Equal("tissue", properties.GetProperty("classification").GetProperty("name").GetString());
        Assert.Equal(
            [10, 20, 30], properties.GetProperty("classification").GetProperty("color").EnumerateArray().Select(part => part.GetInt32()));
        Assert.Equal(64, properties.GetProperty("measurements").GetProperty("Area px^2").GetDouble());
        Assert.Equal(16, properties.GetProperty("measurements").GetProperty("Area um^2").GetDouble());
    }

    [Fact]
    public void A_file_that_is_not_completed_leaves_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        using (var file = new PolygonFile(folder.File("a.geojson"), MapClass.Of(["a", "b"]), new()))
        using (var map = new ClassMapFile(folder.File("a.tif"), MapClass.Of(["a", "b"])))
            map.Begin(10, 10);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Colours_of_classes_are_all_different()
    {
        var classes = MapClass.Of(Enumerable.Range(0, 40).Select(number => $"class {number}"));
        Assert.Equal(40, classes.Select(known => (known.Red, known.Green, known.Blue)).Distinct().Count());
    }

    [Fact]
    public void Counts_and_the_small_picture_are_those_of_the_map()
    {
        MapClass[] classes = [new("a", 0, 0, 0), new("b", 200, 100, 0), new("c", 0, 100, 200)];
        var (counts, grid) = (new ClassCounts(), new ClassGrid(classes, side: 4));
        byte[][] map = [[0, 0, 1, 1, 2, 2, 1], [0, 0, 1, 1, 1, 1, 0], [0, 1, 0, 0, 0, 0, 0]];
        foreach (var rows in (IClassRows[])[counts, grid])
        {
            rows.Begin(3, 7);
            foreach (var (y, row) in map.Index())
                rows.Write(y, row);
            rows.Complete();
        }

        Assert.Equal([11, 8, 2], counts.Positions.Take(3));
        Assert.Equal((2, 4, 2), (grid.Height, grid.Width, (int)grid.Square));
        Assert.Equal([0, 0, 0, 0, 200, 100, 0, 255, 100, 100, 100, 255, 200, 100, 0, 127], grid.Cells[..16].ToArray());
        Assert.Equal([200, 100, 0, 127], grid.Cells[16..20].ToArray());
    }

    /// <summary>Hands a map to a sink in rectangles, row of tiles by row of tiles.</summary>
    private static void Feed(IMapSink sink, Tensor map, long height, long width)
    {
        sink.Begin(map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        for (long top = 0; top < map.shape[2]; top += height)
        {
            for (long left = 0; left < map.shape[3]; left += width)
            {
                using var part = map.narrow(2, top, Math.Min(height, map.shape[2] - top)).narrow(
                    3, left, Math.Min(width, map.shape[3] - left));
                sink.Write(top, left, part);
            }
        }
    }

    private sealed class Collected : IClassRows
    {
        public List<byte[]> Map { get; } = [];

        public void Begin(long height, long width) => Map.Clear();

        public void Write(long row, ReadOnlySpan<byte> classes)
        {
            Assert.Equal(Map.Count, row);
            Map.Add(classes.ToArray());
        }

        public void Complete()
        {
        }
    }
}
