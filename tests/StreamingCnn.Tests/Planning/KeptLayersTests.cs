using CsCheck;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Tests.Planning;

/// <summary>What is kept, against a walk through the tiles.</summary>
public class KeptLayersTests(ResNetFiguresTests.Trunk trunk) : IClassFixture<ResNetFiguresTests.Trunk>
{
    [Fact]
    public void Memory_stays_within_the_budget_and_is_what_the_plan_says() =>
        Gen.Select(Gen.Long[100, 700], Gen.Long[100, 700], Gen.Long[64, 400], Gen.Double[0, 12]).Sample(
            (height, width, tile, budgetInTiles) =>
            {
                var memory = Memory(Grid(height, width, tile));
                var cuts = KeptLayers.Cuts(trunk.Graph, 8);
                var least = KeptLayers.Least(memory, cuts);
                var budget = (long)(least * budgetInTiles);

                var kept = KeptLayers.Choose(memory, cuts, budget);

                var chosen = memory.Order.Select((place, i) => memory.Of(i, kept.From(place.Row, place.Column))).ToArray();
                long most = 0, held = 0;
                for (var i = 0; i < chosen.Length; i++)
                {
                    var (forward, backward) = memory.Carried.At(i, kept.Cut);
                    most = Math.Max(most, Math.Max(forward + held + chosen[i].ForwardPeak, backward + held + chosen[i].BackwardPeak));
                    held += chosen[i].Kept;
                }

                Assert.Equal(most, kept.Bytes);
                Assert.True(
                    kept.Bytes <= Math.Max(budget, least), $"{kept.Bytes} bytes are more than {budget} and than the least, {least}.");
            },
            iter: 30,
            threads: 1);

    [Fact]
    public void With_memory_enough_everything_is_kept_and_without_any_less()
    {
        var memory = Memory(Grid(500, 500, 200));
        var cuts = KeptLayers.Cuts(trunk.Graph, 8);

        Assert.True(KeptLayers.Choose(memory, cuts, long.MaxValue / 2).IsAll);
        Assert.False(KeptLayers.Choose(memory, cuts, 0).IsAll);
    }

    [Fact]
    public void The_more_memory_there_is_the_more_is_kept()
    {
        var memory = Memory(Grid(700, 500, 200));
        var cuts = KeptLayers.Cuts(trunk.Graph, 32);
        var least = KeptLayers.Least(memory, cuts);

        int[] kept = [.. ((double[])[1, 1.1, 1.3, 1.6, 2, 3])
            .Select(times => Nodes(KeptLayers.Choose(memory, cuts, (long)(least * times))))];

        Assert.Equal(kept.Order(), kept);
        Assert.True(kept[^1] > kept[0]);

        int Nodes(KeptLayers layers) => memory.Order.Sum(place => trunk.Graph.Nodes.Count - layers.From(place.Row, place.Column));
    }

    private GridPlan Grid(long height, long width, long tile) =>
        GridPlan.ExactlyOnce(trunk.Graph, [(height, width)], (tile, tile), beyondBorder: true);

    private StepMemory Memory(GridPlan plan)
    {
        var cost = new TrunkCost(trunk.Graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());
        return new(new TilePrograms(plan, cost.Differentiable), cost, gaps: 1);
    }
}
