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

    /// <summary>Of layouts the last eight are remembered, of decisions 256: then they begin anew.</summary>
    [Fact]
    public void The_last_layouts_and_some_hundreds_of_decisions_are_remembered()
    {
        var graph = RandomGraph.Chain(new MapSettings(MapKind.Window, 3, 1, 1, 1, 1));
        var cost = new TrunkCost(graph, wanted: [true], batch: 1, elementSize: 4, new ComputeRates());
        var memory = new PlanMemory();
        for (var size = 1; size <= 256; size++)
            Ask(size);
        Assert.Equal((256, 256), (memory.Planned, memory.LaidOut));

        for (var size = 249; size <= 256; size++)
            Ask(size);
        Assert.Equal((256, 256), (memory.Planned, memory.LaidOut));
        Ask(248);
        Ask(1);
        Assert.Equal((256, 258), (memory.Planned, memory.LaidOut));

        Ask(257);
        Ask(2);
        Assert.Equal((258, 260), (memory.Planned, memory.LaidOut));

        void Ask(int size) => memory.Choose(graph, new() { Tile = (8, 8) }, cost, (size, 5));
    }

    /// <summary>What was decided is laid out anew where the layout is remembered no longer: in the way that was asked for.</summary>
    [Theory]
    [InlineData(StreamingMode.Overlap)]
    [InlineData(StreamingMode.ExactlyOnce)]
    public void A_decision_is_laid_out_as_it_was(StreamingMode mode)
    {
        var graph = RandomGraph.Chain(new(MapKind.Window, 3, 1, 1, 1, 1), new MapSettings(MapKind.Window, 3, 2, 1, 1, 1));
        var cost = new TrunkCost(graph, wanted: [true], batch: 1, elementSize: 4, new ComputeRates());
        var memory = new PlanMemory();
        var first = Ask(40);
        for (var size = 41; size < 50; size++)
            Ask(size);

        var again = Ask(40);

        Assert.Equal((10, 11), (memory.Planned, memory.LaidOut));
        Assert.NotSame(first.Grid.Rows, again.Grid.Rows);
        Assert.Equal(mode == StreamingMode.Overlap, again.Grid.Rows is OverlapLayout);
        Assert.Equal((first.Tile, first.HeapBytes, first.Grid.BeyondBorder), (again.Tile, again.HeapBytes, again.Grid.BeyondBorder));
        Assert.Equal(first.Grid.Order(), again.Grid.Order());
        foreach (var (row, column) in first.Grid.Order())
            Assert.Equal(first.Grid.Computed(2, row, column), again.Grid.Computed(2, row, column));

        StepPlan Ask(int size) => memory.Choose(graph, new() { Tile = (8, 11), Mode = mode }, cost, (size, 30));
    }

    /// <summary>What is free changes from moment to moment: it is asked once for each device, unless it has been said.</summary>
    [Fact]
    public void The_budget_that_is_meant_is_asked_for_once_on_each_device()
    {
        var (place, asked) = ("first", 0L);
        var memory = new PlanMemory(() => 1000 + asked++, () => place);

        Assert.Equal((1000, 1000), (memory.DefaultBudget, memory.DefaultBudget));
        place = "second";
        Assert.Equal((1001, 1001), (memory.DefaultBudget, memory.DefaultBudget));
        memory.SetDefaultBudget(7);
        Assert.Equal(7, memory.DefaultBudget);
        place = "first";
        Assert.Equal(1000, memory.DefaultBudget);
        Assert.Equal(1000, memory.WithBudget(new()).MemoryBudget);
        Assert.Equal(5, memory.WithBudget(new() { MemoryBudget = 5 }).MemoryBudget);
        Assert.Null(memory.WithBudget(new() { Tile = (3, 3) }).MemoryBudget);

        var here = new PlanMemory();
        Assert.InRange(here.DefaultBudget, 1, long.MaxValue);
        Assert.Equal(here.DefaultBudget, here.DefaultBudget);
    }

    private TrunkCost Cost() => new(trunk.Graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());
}
