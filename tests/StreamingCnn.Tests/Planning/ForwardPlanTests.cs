using StreamingCnn.Graph;
using StreamingCnn.Models;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Plans of forward passes that nothing follows: without gradients, and without outputs that nobody holds.</summary>
public sealed class ForwardPlanTests : IDisposable
{
    private const long Mebibyte = 1 << 20;

    private static readonly StreamingOptions File = new() { Carry = CarryPlace.File };

    private readonly DenseNetwork network = ModelCatalog.CreateDense("unet-small", classes: 2);
    private readonly NetworkGraph graph;

    public ForwardPlanTests()
    {
        network.eval();
        graph = GraphBuilder.Trace(network, 3).Local;
    }

    public void Dispose() => network.Dispose();

    [Fact]
    public void A_pass_takes_less_than_a_step_and_less_still_where_its_output_goes_into_rows()
    {
        long[] bytes =
        [
            .. ((Passes[])[Passes.ForwardIntoSinks, Passes.ForwardIntoTensors, Passes.Both]).Select(passes =>
                Planner.SmallestBudget(graph, new(), Cost(passes, carryIsElsewhere: false), (2000, 3000))),
        ];

        Assert.True(bytes[0] < bytes[1] && bytes[1] < bytes[2], string.Join(' ', bytes));
        // Two scores of each pixel are a tensor in one, and nothing but some rows in the other.
        Assert.InRange(bytes[1] - bytes[0], 2000 * 3000 * 2 * 4 / 2, long.MaxValue);
    }

    /// <summary>With the carry in a file what a map takes hardly grows with its image, which a step's tensors do.</summary>
    [Fact]
    public void A_map_of_thirty_thousand_pixels_a_side_needs_no_more_than_one_of_five_thousand()
    {
        var (small, large) = (Smallest(5000), Smallest(30_000));

        Assert.InRange(large, small, 512 * Mebibyte);
        var plan = Planner.Choose(
            graph,
            File with { MemoryBudget = 1024 * Mebibyte },
            Cost(Passes.ForwardIntoSinks, carryIsElsewhere: true),
            (30_000, 30_000));
        Assert.True(plan.Tile.Height >= 256, $"{plan.Tile}");
        Assert.Throws<InsufficientMemoryException>(() => Planner.Choose(
            graph, File with { MemoryBudget = 1024 * Mebibyte }, Cost(Passes.Both, carryIsElsewhere: true), (30_000, 30_000)));

        long Smallest(long side) =>
            Planner.SmallestBudget(graph, File, Cost(Passes.ForwardIntoSinks, carryIsElsewhere: true), (side, side));
    }

    private TrunkCost Cost(Passes passes, bool carryIsElsewhere) =>
        new TrunkCost(graph, [false], 1, 4, new(), carryIsElsewhere).For(passes);
}
