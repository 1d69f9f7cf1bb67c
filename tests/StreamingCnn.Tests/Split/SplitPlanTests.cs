using StreamingCnn.Distributed;
using StreamingCnn.Models;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Split;

/// <summary>What several processes plan: each for its own stripe, within its own budget, and all of them the same tiles.</summary>
public sealed class SplitPlanTests
{
    [Fact]
    public void Each_carries_its_part()
    {
        var (one, four) = (Plan(1, new() { Tile = (256, 256) }), Plan(4, new() { Tile = (256, 256) }));

        Assert.Equal(4, four.Processes);
        // A stripe is a column of tiles wider than a quarter at most, and holds what its neighbour leaves at the border.
        Assert.InRange(four.CarryBytes / (double)one.CarryBytes, 0.2, 0.4);
        Assert.True(four.StepBytes < one.StepBytes);
        Assert.InRange(four.MessageBytes, four.RowMessageBytes, one.CarryBytes / 4);
    }

    /// <summary>
    /// Rows of tiles are low, and as wide as stripes, so that a neighbour's first row is there soon; of what a tile leaves for those below
    /// it a neighbour reads a corner.
    /// </summary>
    [Fact]
    public void Several_are_faster_within_the_same_memory_for_each()
    {
        var (one, eight) = (Plan(1, Budget(900)), Plan(8, Budget(900)));

        Assert.True(eight.StepBytes <= 900L << 20);
        Assert.InRange(one.Seconds / eight.Seconds, 4.5, 8.5);
        Assert.InRange(eight.Grid.Columns, 7, 9);
        Assert.InRange(eight.Tile.Height, 64, 512);
        Assert.InRange(eight.RowMessageBytes, 1 << 16, 2 << 20);
    }

    [Fact]
    public void What_does_not_fit_into_one_fits_into_several()
    {
        var options = Budget(500);
        Assert.Throws<InsufficientMemoryException>(() => Plan(1, options));
        Assert.True(Plan(8, options).StepBytes <= 500L << 20);
    }

    /// <summary>Late maps that wait for the whole image are the last process's, which has waited for all others before.</summary>
    [Fact]
    public void What_waits_for_the_whole_image_waits_for_all_processes()
    {
        Assert.InRange(SpeedUp(new() { Tile = (512, 512), LateMaps = [] }), 1.6, 2);
        Assert.InRange(SpeedUp(new() { Tile = (512, 512), LateMaps = [(8, 16)] }), 0.5, 1.2);

        static double SpeedUp(StreamingOptions options) => Plan(1, options).Seconds / Plan(2, options).Seconds;
    }

    private static StreamingOptions Budget(long mebibytes) => new() { MemoryBudget = mebibytes << 20 };

    private static TilePlan Plan(int processes, StreamingOptions options)
    {
        // Times are found out when they are asked for, of the network as it is then.
        var trunk = new ResNetTrunk(18);
        trunk.eval();
        return new StreamingModule(
            Sequential(trunk, AdaptiveAvgPool2d(1), Flatten()),
            options with { SplitOver = processes == 1 ? null : new PlannedRanks(processes) }).Plan(8192, 8192);
    }
}
