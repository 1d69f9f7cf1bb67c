using StreamingCnn.Imaging.Tiles;

namespace StreamingCnn.Imaging.Tests.Tiles;

public class TileGridTests
{
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 1, 512 }, { 1, 2, 512 }, { 3, 1, 2 }, { 511, 513, 512 }, { 512, 512, 512 }, { 1000, 1537, 256 }, { 2000, 3, 64 },
        { 77, 131, 16 }, { 1025, 1024, 512 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Tiles_cover_each_level_once(int height, int width, int side)
    {
        var grid = new TileGrid(height, width, side);
        Assert.Equal((1, 1), grid.Size(0));
        Assert.Equal((height, width), grid.Size(grid.Top));
        var total = 0;
        for (var level = 0; level <= grid.Top; level++)
        {
            var (rows, columns) = grid.Size(level);
            Assert.Equal((int)Math.Ceiling(height / Math.Pow(2, grid.Top - level)), rows);
            Assert.Equal((int)Math.Ceiling(width / Math.Pow(2, grid.Top - level)), columns);
            var seen = new int[rows, columns];
            for (var row = 0; row < grid.Count(level).Rows; row++)
            {
                for (var column = 0; column < grid.Count(level).Columns; column++, total++)
                {
                    var region = grid.Region(new(level, column, row));
                    Assert.InRange(region.Height, 1, side);
                    for (var y = region.Top; y < region.Top + region.Height; y++)
                    {
                        for (var x = region.Left; x < region.Left + region.Width; x++)
                            seen[y, x]++;
                    }
                }
            }

            Assert.All(seen.Cast<int>(), count => Assert.Equal(1, count));
        }

        Assert.Equal(total, grid.Total);
    }

    [Fact]
    public void The_levels_are_those_of_Deep_Zoom()
    {
        // libvips' dzsave gives 13 levels for an image of 2220 x 2967, the last of which has its pixels.
        Assert.Equal(12, new TileGrid(2967, 2220).Top);
        Assert.Equal(0, new TileGrid(1, 1).Top);
        Assert.Equal(1, new TileGrid(2, 1).Top);
        Assert.Equal(9, new TileGrid(512, 512).Top);
        Assert.Equal(10, new TileGrid(513, 512).Top);
    }

    [Fact]
    public void What_does_not_exist_is_not_there()
    {
        var grid = new TileGrid(600, 300);
        Assert.True(grid.Contains(new(grid.Top, 0, 1)));
        TilePlace[] missing =
        [
            new(grid.Top, 1, 0), new(grid.Top, 0, 2), new(grid.Top + 1, 0, 0), new(-1, 0, 0), new(3, -1, 0), new(3, 0, 1),
        ];
        Assert.All(missing, place => Assert.False(grid.Contains(place)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TileGrid(0, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TileGrid(5, 5, 3));
    }
}
