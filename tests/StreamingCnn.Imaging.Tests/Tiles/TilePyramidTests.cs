using StreamingCnn.Imaging.Tiles;

namespace StreamingCnn.Imaging.Tests.Tiles;

public class TilePyramidTests
{
    /// <summary>Which levels a file has makes no difference, nor does the order in which tiles are asked for.</summary>
    [Fact]
    public void Every_pixel_of_every_level_is_the_mean_of_the_four_below_it()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var grid = new TileGrid(random.Next(1, 90), random.Next(1, 90), 2 * random.Next(1, 9));
            var channels = random.Next(1, 4);
            var whole = Levels(grid, channels, random);
            var isStored = Enumerable.Range(0, grid.Top + 1).Select(_ => random.Next(3) == 0).ToArray();
            var pyramid = Pyramid(grid, channels, whole, level => isStored[level]);
            foreach (var place in Places(grid).OrderBy(_ => random.Next()))
                Assert.True(Cut(grid, channels, whole, place).AsSpan().SequenceEqual(pyramid.Get(place, default)), $"seed {seed}, {place}");
            var seen = new HashSet<TilePlace>();
            pyramid.All(
                (place, pixels) =>
                {
                    Assert.True(seen.Add(place));
                    Assert.True(Cut(grid, channels, whole, place).AsSpan().SequenceEqual(pixels), $"seed {seed}, {place}");
                },
                default);
            Assert.Equal(grid.Total, seen.Count);
        }
    }

    [Fact]
    public void A_file_without_smaller_levels_is_read_once()
    {
        var grid = new TileGrid(500, 700, 16);
        var whole = Levels(grid, 1, new Random(3));
        var reads = new Dictionary<TilePlace, int>();
        var pyramid = new TilePyramid<byte, MeanOfBytes>(grid, 1, _ => false, Read);
        Assert.Equal(0, pyramid.Share);
        pyramid.Get(new(0, 0, 0), default);

        Assert.Equal(1, pyramid.Share);
        Assert.Equal(grid.Count(grid.Top).Rows * grid.Count(grid.Top).Columns, reads.Count);
        foreach (var place in Places(grid).Where(place => place.Level < grid.Top - 2))
            pyramid.Get(place, default);
        Assert.All(reads.Values, count => Assert.Equal(1, count));

        byte[] Read(TilePlace place)
        {
            reads[place] = reads.GetValueOrDefault(place) + 1;
            return Cut(grid, 1, whole, place);
        }
    }

    [Fact]
    public void What_was_made_before_it_was_stopped_is_kept()
    {
        var grid = new TileGrid(500, 700, 16);
        var whole = Levels(grid, 1, new Random(3));
        using var stop = new CancellationTokenSource();
        var reads = 0;
        var pyramid = new TilePyramid<byte, MeanOfBytes>(grid, 1, _ => false, Read);
        Assert.Throws<OperationCanceledException>(() => pyramid.Get(new(0, 0, 0), stop.Token));
        Assert.InRange(pyramid.Share, 0.3, 0.7);
        Assert.Equal(Cut(grid, 1, whole, new(0, 0, 0)), pyramid.Get(new(0, 0, 0), default));
        var tiles = grid.Count(grid.Top).Rows * grid.Count(grid.Top).Columns;
        Assert.InRange(reads, tiles, 1.1 * tiles);

        byte[] Read(TilePlace place)
        {
            if (++reads == 750)
                stop.Cancel();
            return Cut(grid, 1, whole, place);
        }
    }

    private static TilePyramid<byte, MeanOfBytes> Pyramid(TileGrid grid, int channels, byte[][] whole, Func<int, bool> isStored) => new(
        grid,
        channels,
        isStored,
        place =>
        {
            Assert.True(place.Level == grid.Top || isStored(place.Level));
            return Cut(grid, channels, whole, place);
        });

    private static byte Mean(byte a, byte b, byte c, byte d) => (byte)((a + b + c + d + 2) / 4);

    private static IEnumerable<TilePlace> Places(TileGrid grid) =>
        from level in Enumerable.Range(0, grid.Top + 1)
        from row in Enumerable.Range(0, (int)grid.Count(level).Rows)
        from column in Enumerable.Range(0, (int)grid.Count(level).Columns)
        select new TilePlace(level, column, row);

    /// <summary>All levels whole: of an image padded by its last row and column to an even size, means of two by two.</summary>
    private static byte[][] Levels(TileGrid grid, int channels, Random random)
    {
        var levels = new byte[grid.Top + 1][];
        levels[grid.Top] = new byte[grid.Height * grid.Width * channels];
        random.NextBytes(levels[grid.Top]);
        for (var level = grid.Top - 1; level >= 0; level--)
        {
            var (height, width) = grid.Size(level);
            var (largerHeight, largerWidth) = grid.Size(level + 1);
            levels[level] = new byte[height * width * channels];
            for (long i = 0; i < levels[level].Length; i++)
            {
                var (y, x, channel) = (i / channels / width, i / channels % width, i % channels);
                byte At(long down, long across)
                {
                    var (row, column) = (Math.Min((2 * y) + down, largerHeight - 1), Math.Min((2 * x) + across, largerWidth - 1));
                    return levels[level + 1][(((row * largerWidth) + column) * channels) + channel];
                }

                levels[level][i] = Mean(At(0, 0), At(0, 1), At(1, 0), At(1, 1));
            }
        }

        return levels;
    }

    private static byte[] Cut(TileGrid grid, int channels, byte[][] whole, TilePlace place)
    {
        var region = grid.Region(place);
        var width = grid.Size(place.Level).Width;
        var pixels = new List<byte>();
        for (var y = region.Top; y < region.Top + region.Height; y++)
            pixels.AddRange(whole[place.Level].AsSpan((int)((y * width) + region.Left) * channels, (int)region.Width * channels));
        return [.. pixels];
    }
}
