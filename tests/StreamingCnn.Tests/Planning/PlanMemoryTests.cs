using StreamingCnn.Planning;
using TorchSharp;

namespace StreamingCnn.Tests.Planning;

/// <summary>What was decided for an image holds for the next of its size, as long as the network is the same.</summary>
public class PlanMemoryTests(ResNetFiguresTests.Trunk trunk) : IClassFixture<ResNetFiguresTests.Trunk>
{
    private static readonly StreamingOptions Budget = new() { MemoryBudget = 500L << 20 };

    [Fact]
    public void The_second_image_of_a_size_gets_the_first_one_s_plan()
    {
        var memory = new PlanMemory();
        var first = memory.Choose(trunk.Graph, Budget, Cost(), (900, 700));

        var second = memory.Choose(trunk.Graph, Budget, Cost(), (900, 700));

        Assert.Equal(
            (first.Tile, first.Grid.Late.Levels, first.Grid.BeyondBorder),
            (second.Tile, second.Grid.Late.Levels, second.Grid.BeyondBorder));
        Assert.Same(first.Kept, second.Kept);
        Assert.Equal(first.Grid.Order(), second.Grid.Order());
        Assert.Equal(first.Grid.CarriedValues, second.Grid.CarriedValues);
    }

    [Fact]
    public void Another_size_or_an_image_that_learns_gets_its_own()
    {
        var memory = new PlanMemory();
        var first = memory.Choose(trunk.Graph, Budget, Cost(), (900, 700));

        Assert.NotSame(first.Kept, memory.Choose(trunk.Graph, Budget, Cost(), (900, 701)).Kept);
        Assert.NotSame(
            first.Kept, memory.Choose(trunk.Graph, Budget, new TrunkCost(trunk.Graph, [true], 1, 4, new ComputeRates()), (900, 700)).Kept);
        Assert.NotSame(
            first.Kept, memory.Choose(trunk.Graph, Budget, new TrunkCost(trunk.Graph, [false], 2, 4, new ComputeRates()), (900, 700)).Kept);
    }

    [Fact]
    public void Without_a_budget_all_images_of_a_module_get_the_same()
    {
        var memory = new PlanMemory();

        var first = memory.Choose(trunk.Graph, new(), Cost(), (900, 700));

        Assert.Same(first.Kept, memory.Choose(trunk.Graph, new(), Cost(), (900, 700)).Kept);
    }

    private TrunkCost Cost() => new(trunk.Graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());
}
