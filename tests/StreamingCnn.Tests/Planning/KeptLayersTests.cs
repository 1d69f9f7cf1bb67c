using CsCheck;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>What is kept, against a walk backwards through the tiles.</summary>
public class KeptLayersTests(ResNetFiguresTests.Trunk trunk) : IClassFixture<ResNetFiguresTests.Trunk>
{
    [Fact]
    public void Memory_stays_within_the_budget_and_is_what_the_plan_says() =>
        Gen.Select(Gen.Long[100, 700], Gen.Long[100, 700], Gen.Long[64, 400], Gen.Double[0, 12]).Sample(
            (height, width, tile, budgetInTiles) =>
            {
                var plan = GridPlan.ExactlyOnce(trunk.Graph, [(height, width)], (tile, tile), beyondBorder: true);
                var memories = plan.Order().ToDictionary(place => place, place => Memory(plan, place));
                var largest = memories.Values.Max(memory => memory.Peak);
                var budget = (long)(largest * budgetInTiles);

                var kept = KeptLayers.Choose(plan, (row, column) => memories[(row, column)], budget);

                long most = 0;
                var held = memories.Sum(tile => tile.Value.KeptFrom(kept.From(tile.Key.Row, tile.Key.Column)));
                foreach (var place in plan.Order().Reverse())
                {
                    held -= memories[place].KeptFrom(kept.From(place.Row, place.Column));
                    most = Math.Max(most, held + memories[place].Peak);
                }

                Assert.Equal(0, held);
                Assert.Equal(most, kept.Bytes);
                Assert.True(most <= Math.Max(budget, largest), $"{most} bytes are more than {budget} and than the largest tile's {largest}.");
            },
            iter: 30,
            threads: 1);

    [Fact]
    public void With_memory_enough_everything_is_kept_and_without_any_the_last_tile()
    {
        var plan = GridPlan.ExactlyOnce(trunk.Graph, [(500, 500)], (200, 200), beyondBorder: true);

        Assert.True(KeptLayers.Choose(plan, (row, column) => Memory(plan, (row, column)), long.MaxValue / 2).IsAll);
        var least = KeptLayers.Choose(plan, (row, column) => Memory(plan, (row, column)), 0);
        Assert.False(least.IsAll);
        Assert.Contains(plan.Order()[^1], least.Last);
    }

    private TileMemory Memory(GridPlan plan, (int Row, int Column) place) =>
        new(plan, plan.Tile(place.Row, place.Column), new TrunkCost(trunk.Graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates()));
}
