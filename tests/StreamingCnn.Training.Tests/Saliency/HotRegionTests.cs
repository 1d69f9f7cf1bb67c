using System.Text.Json;
using CsCheck;
using StreamingCnn.Training.Saliency;

namespace StreamingCnn.Training.Tests.Saliency;

public class HotRegionTests
{
    [Fact]
    public void A_ring_with_a_cell_in_its_hole_is_two_parts_with_three_outlines()
    {
        var components = Components(
            "11111",
            "10001",
            "10101",
            "10001",
            "11111");
        var rings = components.Rings().ToArray();
        Assert.Equal(2, components.Count);
        Assert.Equal([(0L, 0L), (5L, 0L), (5L, 5L), (0L, 5L)], rings[0].Corners);
        Assert.Equal([0, 0, 1], rings.Select(ring => ring.Component).Order());
        Assert.Equal([25, -9, 1], rings.OrderBy(ring => ring.Component).Select(ring => Area(ring.Corners)));
    }

    [Fact]
    public void Cells_that_touch_at_a_corner_alone_are_apart()
    {
        var components = Components("10", "01");
        Assert.Equal(2, components.Count);
        Assert.All(components.Rings(), ring => Assert.Equal(4, ring.Corners.Count));
    }

    [Fact]
    public void Outlines_enclose_the_hot_cells_and_nothing_else() =>
        Gen.Bool.Array[13 * 9].Sample(hot =>
        {
            var components = new ConnectedComponents(new HeatGrid([.. hot.Select(cell => cell ? 1f : 0f)], 13, 9, 1), 0.5f);
            var rings = components.Rings().ToArray();
            for (var cell = 0; cell < hot.Length; cell++)
            {
                // A ray from the middle of the cell to the right crosses outlines an odd number of times when it begins inside.
                var (x, y) = ((cell % 9) + 0.5, (cell / 9) + 0.5);
                var crossings = rings.Sum(ring => ring.Corners.Index().Count(corner =>
                {
                    var (from, to) = (corner.Item, ring.Corners[(corner.Index + 1) % ring.Corners.Count]);
                    return from.X == to.X && from.X > x && Math.Min(from.Y, to.Y) < y && y < Math.Max(from.Y, to.Y);
                }));
                if (crossings % 2 == 1 != hot[cell])
                    return false;
            }

            return hot.Count(cell => cell) == rings.Sum(ring => Area(ring.Corners))
                && rings.Count(ring => Area(ring.Corners) > 0) == components.Count;
        });

    [Fact]
    public void The_file_has_the_form_that_QuPath_imports()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("regions.geojson");
        var region = new HotRegion([[(1, 2), (4, 2), (4, 5), (1, 5)], [(2, 3), (2, 4), (3, 4), (3, 3)]], 8, 0.25, 0.5);
        RegionFile.Write(path, [region], "needle", scaleX: 2, scaleY: 4);

        var root = JsonDocument.Parse(File.ReadAllText(path)).RootElement;
        var feature = root.GetProperty("features")[0];
        Assert.Equal("FeatureCollection", root.GetProperty("type").GetString());
        Assert.Equal("Feature", feature.GetProperty("type").GetString());
        Assert.Equal(
            "[[[2,8],[8,8],[8,20],[2,20],[2,8]],[[4,12],[4,16],[6,16],[6,12],[4,12]]]",
            feature.GetProperty("geometry").GetProperty("coordinates").GetRawText());
        Assert.Equal("Polygon", feature.GetProperty("geometry").GetProperty("type").GetString());
        var properties = feature.GetProperty("properties");
        Assert.Equal("annotation", properties.GetProperty("objectType").GetString());
        Assert.Equal("hot region 1", properties.GetProperty("name").GetString());
        Assert.Equal("needle", properties.GetProperty("classification").GetProperty("name").GetString());
        Assert.Equal(64, properties.GetProperty("measurements").GetProperty("Area px^2").GetDouble());
        Assert.Equal(0.5, properties.GetProperty("measurements").GetProperty("Saliency max").GetDouble());
    }

    private static ConnectedComponents Components(params string[] rows) =>
        new(new HeatGrid([.. rows.SelectMany(row => row.Select(cell => cell - '0' + 0f))], rows.Length, rows[0].Length, 1), 0.5f);

    private static double Area(List<(long X, long Y)> ring) =>
        ring.Index()
            .Sum(
                corner =>
                    (corner.Item.X * ring[(corner.Index + 1) % ring.Count].Y) - (
                        ring[(corner.Index + 1) % ring.Count].X * corner.Item.Y)) / 2.0;
}
