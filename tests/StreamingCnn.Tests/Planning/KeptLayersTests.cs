using CsCheck;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

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

    /// <summary>Everything, nothing, and behind layers that take time: all of them, or every second or fourth of many.</summary>
    [Fact]
    public void Cuts_lie_behind_layers_that_take_time_and_are_no_more_than_asked_for()
    {
        using var scope = NewDisposeScope();
        for (var layers = 1; layers <= 12; layers++)
        {
            // A node for each convolution and one for each activation; the last convolution ends the network.
            var graph = Convolutions(layers);
            int[] behind = [.. Enumerable.Range(0, layers).Select(layer => (2 * layer) + 2)];
            for (var most = 1; most <= 13; most++)
            {
                var step = 1;
                while (Math.Ceiling((double)layers / step) > most)
                    step *= 2;
                int[] expected =
                [
                    .. behind.Where((_, i) => i % step == 0).Concat([graph.FirstLayer, graph.Nodes.Count]).Distinct().Order(),
                ];
                Assert.Equal(expected, KeptLayers.Cuts(graph, most));
            }
        }
    }

    [Fact]
    public void Nothing_is_no_record_of_any_tile()
    {
        using var scope = NewDisposeScope();
        var (memory, graph) = Memory(Convolutions(3), (70, 50), (30, 20), gaps: 1.25);
        var nothing = KeptLayers.Nothing(memory, graph.Nodes.Count);

        Assert.All(memory.Order, tile => Assert.Equal(graph.Nodes.Count, nothing.From(tile.Row, tile.Column)));
        Assert.Equal((graph.Nodes.Count, false, memory.Most(graph.Nodes.Count)), (nothing.Cut, nothing.IsAll, nothing.Bytes));
    }

    /// <summary>
    /// Late layers of all tiles first: the first cut that all tiles can keep. Then cut by cut, from the last tile to the first, each that
    /// can keep more beside what the others keep without going beyond the budget, found by walking through all tiles each time.
    /// </summary>
    [Fact]
    public void From_the_last_tile_on_each_keeps_what_it_can() => Gen.Select(
        Gen.Int[1, 5], Gen.Long[20, 90], Gen.Long[20, 90], Gen.Long[10, 60], Gen.Long[10, 60], Gen.Double[0, 4], Gen.Bool).Sample(
        (layers, height, width, tileHeight, tileWidth, budgetInTiles, hasGaps) =>
        {
            using var scope = NewDisposeScope();
            var gaps = hasGaps ? 1.3 : 1;
            var (memory, graph) = Memory(Convolutions(layers), (height, width), (tileHeight, tileWidth), gaps);
            var cuts = KeptLayers.Cuts(graph, 20);
            Assert.Equal(cuts.Min(cut => Most(_ => cut, cut)), KeptLayers.Least(memory, cuts));
            var budget = (long)(budgetInTiles * KeptLayers.Least(memory, cuts));
            var common = cuts.Where(cut => Most(_ => cut, cut) <= budget)
                .DefaultIfEmpty(cuts.MinBy(cut => Most(_ => cut, cut))).First();
            var allowed = Math.Max(budget, Most(_ => common, common));

            var kept = KeptLayers.Choose(memory, cuts, budget);

            int[] from = [.. memory.Order.Select(tile => kept.From(tile.Row, tile.Column))];
            Assert.All(from, one => Assert.True(one <= common && cuts.Contains(one)));
            Assert.Equal((from.Max(), from.All(one => one == cuts[0])), (kept.Cut, kept.IsAll));
            Assert.Equal(Most(tile => from[tile], from.Max()), kept.Bytes);
            Assert.InRange(Most(tile => from[tile], common), 0, allowed);
            // With gaps, products are rounded, and a byte decides now and then.
            if (hasGaps)
                return;
            int[] walked = [.. memory.Order.Select(_ => common)];
            foreach (var cut in cuts.Where(cut => cut < common).Reverse())
            {
                for (var other = walked.Length - 1; other >= 0; other--)
                {
                    if (Most(tile => tile == other ? cut : walked[tile], common) <= allowed)
                        walked[other] = cut;
                }
            }

            Assert.Equal(walked, from);

            long Most(Func<int, int> cutOf, int cut)
            {
                long most = 0, before = 0;
                for (var tile = 0; tile < memory.Order.Count; tile++)
                {
                    var own = memory.Of(tile, cutOf(tile));
                    var (forward, backward) = memory.Carried.At(tile, cut);
                    most = Math.Max(most, forward + (long)(gaps * (before + own.ForwardPeak)));
                    most = Math.Max(most, backward + (long)(gaps * (before + own.BackwardPeak)));
                    before += own.Kept;
                }

                return most;
            }
        },
        iter: 80,
        threads: 1);

    private static NetworkGraph Convolutions(int layers)
    {
        var network = Sequential([
            .. Enumerable.Range(0, layers).SelectMany(layer => (Module<Tensor, Tensor>[])
                [Conv2d(layer == 0 ? 3 : 4, 4, 3, padding: 1, stride: 1 + (layer % 2)), Sigmoid()]),
        ]);
        return GraphBuilder.Trace(network, 3).Local;
    }

    private static (StepMemory Memory, NetworkGraph Graph) Memory(
        NetworkGraph graph, (long Height, long Width) size, (long Height, long Width) tile, double gaps)
    {
        var cost = new TrunkCost(graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());
        var grid = GridPlan.ExactlyOnce(graph, [size], tile, beyondBorder: true);
        return (new(new TilePrograms(grid, cost.Differentiable), cost, gaps), graph);
    }

    private GridPlan Grid(long height, long width, long tile) =>
        GridPlan.ExactlyOnce(trunk.Graph, [(height, width)], (tile, tile), beyondBorder: true);

    private StepMemory Memory(GridPlan plan)
    {
        var cost = new TrunkCost(trunk.Graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());
        return new(new TilePrograms(plan, cost.Differentiable), cost, gaps: 1);
    }
}
