using StreamingCnn.Imaging.Maps;

namespace StreamingCnn.Imaging.Tests.Maps;

/// <summary>Regions and outlines that are found row by row are those of the whole map.</summary>
public sealed class RegionTracerTests
{
    public static TheoryData<string> Drawn =>
    [
        "1",
        "11/11",
        "101/010/101",
        "111/101/111",
        // A hole that touches the outside by a corner, and two that touch one another.
        "111/101/110",
        "1111/1011/1101/1111",
        // The same the other way round, and both at one corner of the grid.
        "011/101/111",
        "10/01",
        "0110/1001/1001/0110",
        // Holes in holes, of another class and of the same.
        "11111/10001/10101/10001/11111",
        "2222222/2111112/2122212/2120212/2122212/2111112/2222222",
        // Two arms that become one in the last row, a spiral, a comb.
        "10101/10101/11111",
        "1111111/0000001/1111101/1000101/1011101/1000001/1111111",
        "1111111/1010101/1010101",
        // Classes that meet at a corner in a chessboard.
        "1212/2121/1212",
        "121/212/121/101",
    ];

    [Theory]
    [MemberData(nameof(Drawn))]
    public void Drawn_maps_are_traced(string rows)
    {
        string[] lines = rows.Split('/');
        Check([.. lines.Select(line => line.Select(digit => (byte)(digit - '0')).ToArray())], background: 0);
        Check([.. lines.Select(line => line.Select(digit => (byte)(digit - '0')).ToArray())], background: null);
    }

    [Fact]
    public void Random_maps_are_traced()
    {
        for (var seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            var (height, width, classes, share) = (random.Next(1, 25), random.Next(1, 25), random.Next(2, 5), random.NextDouble());
            var map = new byte[height][];
            for (var y = 0; y < height; y++)
            {
                map[y] = new byte[width];
                for (var x = 0; x < width; x++)
                {
                    // Often like a neighbour, so that there are regions of all sizes.
                    map[y][x] = random.NextDouble() < share ? (byte)random.Next(classes)
                        : x > 0 && (y == 0 || random.Next(2) == 0) ? map[y][x - 1]
                        : y > 0 ? map[y - 1][x]
                        : (byte)random.Next(classes);
                }
            }

            Check(map, background: random.Next(2) == 0 ? 0 : null);
        }
    }

    [Fact]
    public void Small_regions_are_left_out_where_that_is_wanted()
    {
        var found = Trace([[1, 0, 1, 1], [0, 0, 1, 0]], background: 0, leastArea: 2);
        Assert.Equal(3, Assert.Single(found).Area);
    }

    [Fact]
    public void Memory_does_not_grow_with_the_height()
    {
        const int Width = 64;
        var (regions, corners) = (0L, 0L);
        var tracer = new RegionTracer(region => (regions, corners) = (regions + 1, corners + region.Rings.Sum(ring => ring.Count)));
        var row = new byte[Width];
        tracer.Begin(100_000, Width);
        long before = 0;
        for (var y = 0; y < 100_000; y++)
        {
            // Rings of several rows, with gaps between them.
            for (var x = 0; x < Width; x++)
                row[x] = (byte)(x % 8 < 6 && y % 8 < 6 && !(x % 8 == 3 && y % 8 == 3) ? 1 : 0);
            tracer.Write(y, row);
            if (y == 1000)
                before = GC.GetTotalMemory(forceFullCollection: true);
        }

        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        tracer.Complete();
        Assert.Equal(100_000L / 8 * 8, regions);
        Assert.Equal(8 * regions, corners);
        Assert.True(grown < 1 << 19, $"{grown} bytes more after 100,000 rows than after 1,000");
    }

    private static List<MapRegion> Trace(byte[][] map, int? background, double leastArea = 0)
    {
        var found = new List<MapRegion>();
        var tracer = new RegionTracer(found.Add, background, leastArea);
        tracer.Begin(map.Length, map[0].Length);
        foreach (var (y, row) in map.Index())
            tracer.Write(y, row);
        tracer.Complete();
        return found;
    }

    private static void Check(byte[][] map, int? background)
    {
        var shown = string.Join('/', map.Select(row => string.Concat(row)));
        var (height, width) = (map.Length, map[0].Length);
        var expected = Components(map, background);
        var regions = Trace(map, background);
        Assert.Equal(expected.Count, regions.Count);
        foreach (var region in regions)
        {
            var cells = Filled(region, height, width);
            var (firstY, firstX) = cells[0];
            var component = expected.Single(component => component.Contains((firstY, firstX)));
            Assert.True(component.SetEquals(cells), $"{shown}: other positions within an outline of class {region.Number}");
            Assert.Equal(map[firstY][firstX], region.Number);
            Assert.Equal(cells.Count, region.Area);
            Assert.Equal(
                new ImageRegion(
                    cells.Min(cell => cell.Y),
                    cells.Min(cell => cell.X),
                    cells.Max(cell => cell.Y) + 1 - cells.Min(cell => cell.Y),
                    cells.Max(cell => cell.X) + 1 - cells.Min(cell => cell.X)),
                region.Box);
            Assert.Equal(cells.Average(cell => cell.X + 0.5), region.Centre.X, 9);
            Assert.Equal(cells.Average(cell => cell.Y + 0.5), region.Centre.Y, 9);
            foreach (var (place, ring) in region.Rings.Index())
            {
                Assert.True(ring.Count >= 4 && ring.Distinct().Count() == ring.Count, $"{shown}: a ring passes a corner twice");
                Assert.True(SignedArea(ring) > 0 == (place == 0), $"{shown}: ring {place} runs the wrong way round");
                for (var i = 0; i < ring.Count; i++)
                {
                    var ((x0, y0), (x1, y1), (x2, y2)) = (ring[i], ring[(i + 1) % ring.Count], ring[(i + 2) % ring.Count]);
                    Assert.True((x0 == x1) != (y0 == y1) && (x0 == x1) == (y1 == y2), $"{shown}: a corner where nothing turns");
                }
            }
        }
    }

    /// <summary>The positions whose centres are inside an odd number of rings.</summary>
    private static List<(int Y, int X)> Filled(MapRegion region, int height, int width)
    {
        var cells = new List<(int Y, int X)>();
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var crossings = 0;
                foreach (var ring in region.Rings)
                {
                    for (var i = 0; i < ring.Count; i++)
                    {
                        var (a, b) = (ring[i], ring[(i + 1) % ring.Count]);
                        if (a.X == b.X && a.X > x && Math.Min(a.Y, b.Y) <= y && Math.Max(a.Y, b.Y) > y)
                            crossings++;
                    }
                }

                if (crossings % 2 == 1)
                    cells.Add((y, x));
            }
        }

        return cells;
    }

    private static long SignedArea(IReadOnlyList<(long X, long Y)> ring) =>
        ring.Index().Sum(
            corner =>
                (corner.Item.X * ring[(corner.Index + 1) % ring.Count].Y) - (ring[(corner.Index + 1) % ring.Count].X * corner.Item.Y));

    private static List<HashSet<(int Y, int X)>> Components(byte[][] map, int? background)
    {
        var seen = new HashSet<(int Y, int X)>();
        var components = new List<HashSet<(int Y, int X)>>();
        for (var y = 0; y < map.Length; y++)
        {
            for (var x = 0; x < map[0].Length; x++)
            {
                if (map[y][x] == background || !seen.Add((y, x)))
                    continue;
                var component = new HashSet<(int Y, int X)> { (y, x) };
                var open = new Stack<(int Y, int X)>(component);
                while (open.TryPop(out var cell))
                {
                    var around = new[] { (cell.Y - 1, cell.X), (cell.Y + 1, cell.X), (cell.Y, cell.X - 1), (cell.Y, cell.X + 1) };
                    foreach (var (nextY, nextX) in around)
                    {
                        if (nextY >= 0 && nextX >= 0 && nextY < map.Length && nextX < map[0].Length
                            && map[nextY][nextX] == map[y][x] && seen.Add((nextY, nextX)))
                        {
                            component.Add((nextY, nextX));
                            open.Push((nextY, nextX));
                        }
                    }
                }

                components.Add(component);
            }
        }

        return components;
    }
}
