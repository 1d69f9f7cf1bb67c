using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>What is decided for ResNet-34, as the engine runs it, on a processor of fixed rates.</summary>
public class PlannerTests(ResNetFiguresTests.Trunk trunk) : IClassFixture<ResNetFiguresTests.Trunk>
{
    private readonly NetworkGraph graph = NormFolding.Of(trunk.Graph);

    [Theory]
    [InlineData(2048, 2048)]
    [InlineData(2011, 1777)]
    [InlineData(4096, 4096)]
    [InlineData(8192, 2048)]
    public void A_small_tile_takes_about_the_time_of_a_large_one(long height, long width)
    {
        double[] seconds = [.. ((int[])[256, 512, 1024]).Select(tile => Seconds(Choose(new() { Tile = (tile, tile) }, height, width)))];

        // Now the one and now the other has more room beside its largest tile to keep what would be computed again.
        Assert.InRange(seconds.Max() / seconds.Min(), 1, 1.15);
    }

    [Fact]
    public void What_a_tile_takes_stays_within_bounds_though_late_maps_may_wait()
    {
        var (plain, free) = (Bytes(Choose(Tile with { LateMaps = [] })), Bytes(Choose(Tile)));

        Assert.InRange(free, plain + 1, 2.5 * plain);
    }

    [Theory]
    [InlineData(1.05)]
    [InlineData(1.4)]
    [InlineData(2)]
    [InlineData(5)]
    public void A_tile_with_a_budget_stays_within_it(double times)
    {
        var budget = (long)(times * Bytes(Choose(Tile with { LateMaps = [] })));

        Assert.InRange(Bytes(Choose(Tile with { MemoryBudget = budget })), 1, budget);
    }

    [Fact]
    public void A_tile_that_does_not_fit_into_its_budget_is_planned_without_anything_besides() =>
        Assert.Equal(Bytes(Choose(Tile with { LateMaps = [] })), Bytes(Choose(Tile with { MemoryBudget = 1 })));

    [Fact]
    public void Overlapping_tiles_have_no_maps_that_wait()
    {
        var plan = Choose(new() { Mode = StreamingMode.Overlap, MemoryBudget = 1200 << 20 });

        Assert.IsType<OverlapLayout>(plan.Grid.Rows);
        Assert.True(plan.Grid.Rows.Steps > 1);
    }

    [Fact]
    public void More_memory_takes_no_more_time()
    {
        double[] seconds = [.. ((long[])[600, 1200, 2400, 4800]).Select(budget => Seconds(Choose(new() { MemoryBudget = budget << 20 })))];

        Assert.All(seconds.Zip(seconds.Skip(1)), pair => Assert.InRange(pair.Second, 0, 1.01 * pair.First));
        Assert.True(seconds[^1] < 0.9 * seconds[0], $"{seconds[0]} s with the least memory, {seconds[^1]} s with the most");
    }

    private TrunkCost Cost => new(graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());

    private static StreamingOptions Tile => new() { Tile = (256, 256) };

    private StepPlan Choose(StreamingOptions options, long height = 2048, long width = 2048) =>
        Planner.Choose(graph, options, Cost, (height, width));

    private double Seconds(StepPlan plan) => new StepModel(plan.Grid, Cost).Seconds(plan.Kept);

    private long Bytes(StepPlan plan) => new StepModel(plan.Grid, Cost).Bytes(plan.Kept);
}
