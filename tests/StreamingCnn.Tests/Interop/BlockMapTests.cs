using CsCheck;
using StreamingCnn.Interop;

namespace StreamingCnn.Tests.Interop;

/// <summary>Blocks against a row of cells of which each belongs to one block or to none.</summary>
public class BlockMapTests
{
    private const int Size = 60;

    [Fact]
    public void Blocks_never_overlap_and_gaps_are_what_is_left() =>
        Gen.Select(Gen.Bool, Gen.Int[1, 25]).List[0, 80].Sample(
            steps =>
            {
                var map = new BlockMap(Size);
                var cells = new long?[Size];
                var blocks = new List<long>();
                long reach = 0, peak = 0;
                foreach (var (take, number) in steps)
                {
                    if (take)
                    {
                        var start = map.Take(number);
                        Assert.Equal(Gaps(cells).Any(gap => gap.End - gap.Start >= number), start >= 0);
                        if (start < 0)
                            continue;
                        Assert.All(Enumerable.Range((int)start, number), cell => Assert.Null(cells[cell]));
                        Array.Fill(cells, start, (int)start, number);
                        blocks.Add(start);
                        reach = Math.Max(reach, start + number);
                    }
                    else if (blocks.Count > 0)
                    {
                        var start = blocks[number % blocks.Count];
                        blocks.Remove(start);
                        map.Give(start);
                        cells = Array.ConvertAll(cells, cell => cell == start ? null : cell);
                    }

                    var taken = cells.Count(cell => cell is not null);
                    peak = Math.Max(peak, taken);
                    Assert.Equal((taken, peak, reach), (map.Taken, map.PeakTaken, map.Reach));
                    Assert.Equal(Gaps(cells), map.Gaps);
                }
            },
            threads: 1);

    [Fact]
    public void The_smallest_gap_that_fits_is_taken_and_of_equal_ones_the_first()
    {
        var map = new BlockMap(Size);
        foreach (var length in (int[])[3, 1, 5, 1, 3, 1])
            map.Take(length);
        map.Give(0);
        map.Give(4);
        map.Give(10);

        Assert.Equal(0, map.Take(2));
        Assert.Equal(10, map.Take(3));
        Assert.Equal(4, map.Take(4));
        Assert.Equal(14, map.Take(40));
        Assert.Equal(-1, map.Take(7));
    }

    [Fact]
    public void What_is_no_block_cannot_be_given_back()
    {
        var map = new BlockMap(Size);
        map.Take(4);

        Assert.Throws<ArgumentException>(() => map.Give(1));
    }

    private static IEnumerable<(long Start, long End)> Gaps(long?[] cells)
    {
        for (var start = 0; start < cells.Length;)
        {
            var end = start;
            while (end < cells.Length && cells[end] is null)
                end++;
            if (end > start)
                yield return (start, end);
            start = end + 1;
        }
    }
}
