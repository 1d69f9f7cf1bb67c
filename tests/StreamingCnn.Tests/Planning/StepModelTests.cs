using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// What a step costs is the sum of what its parts cost: parameters, outputs, tiles, what is carried and kept; seconds are those of its
/// tiles, one by one.
/// </summary>
public class StepModelTests
{
    private const long Mebibyte = 1 << 20;

    private static readonly Gen<Case> Any = Gen.Select(
        Gen.Select(Gen.Int[1, 3], Gen.Bool, Gen.Bool, Gen.Int[1, 3]),
        Gen.Select(Gen.Long[20, 90], Gen.Long[20, 90], Gen.Long[10, 60], Gen.Long[10, 60]),
        Gen.Enum<Passes>(),
        Gen.Double[0, 3],
        (c, size, passes, budget) => new Case(
            c.Item1, c.Item2, c.Item3, c.Item4, (size.Item1, size.Item2), (size.Item3, size.Item4), passes, budget));

    /// <summary>The budget for some bytes is the smallest one that a step of so many is expected to keep to.</summary>
    [Fact]
    public void A_budget_is_the_least_that_leaves_the_bytes_and_a_64th_and_8_MiB_free() => Gen.Long[0, 1L << 44].Sample(
        bytes =>
        {
            var budget = StepModel.BudgetFor(bytes);
            Assert.True(StepModel.Within(budget) >= bytes && StepModel.Within(budget - 1) < bytes);
            Assert.True(budget - bytes >= (8 * Mebibyte) + (budget / 64.0));
            Assert.True(budget - bytes <= (8 * Mebibyte) + (budget / 64.0) + 2);
        },
        threads: 1);

    [Fact]
    public void Copies_of_gradients_take_an_eighth_more() => Assert.Equal((0, 9000, 1), (
        StepModel.CopiesOf(0), StepModel.CopiesOf(8000), StepModel.CopiesOf(1)));

    [Fact]
    public void Bytes_are_the_sum_of_their_parts() => Any.Sample(
        c =>
        {
            using var scope = NewDisposeScope();
            var (graph, grid, trunk) = c.Make();
            var model = new StepModel(grid, trunk);
            var memory = new StepMemory(model.Programs, trunk, gaps: 1.02);
            var isForward = c.Passes != Passes.Both;
            var outputs = c.Batch * 4L * graph.Outputs.Sum(output => c.Passes switch
            {
                Passes.Both => 2 * Values(output),
                Passes.ForwardIntoTensors => Values(output),
                _ => grid.ValuesOfRows(output),
            });
            var weights = graph.Parameters.Sum(parameter => parameter.numel() * 4);
            var learned = isForward ? 0 : graph.Parameters.Sum(parameter => parameter.requires_grad ? parameter.numel() * 4 : 0);
            var besides = weights + learned + outputs + (16 * Mebibyte) + Primitives.Bytes(model.Programs, trunk);
            var end = weights + learned + learned + (learned / 8) + outputs + (16 * Mebibyte);
            var (nothing, all) = (memory.Most(graph.Nodes.Count), memory.Most(graph.FirstLayer));
            var least = isForward ? nothing : KeptLayers.Cuts(graph, 10).Min(cut => memory.Most(cut));

            Assert.Equal((outputs, end), (model.OutputBytes, model.EndBytes));
            Assert.Equal(Math.Max(end, besides + nothing), model.NothingKeptBytes);
            Assert.Equal(Math.Max(end, besides + least), model.LeastBytes);
            Assert.Equal(isForward ? model.NothingKeptBytes : besides + all, model.AllKeptBytes);

            var budget = (long)(besides + (c.BudgetInTiles * least));
            var kept = model.Keep(budget);
            Assert.Equal((besides + kept.Bytes, Math.Max(end, besides + kept.Bytes)), (model.RunBytes(kept), model.Bytes(kept)));
            Assert.True(isForward || model.RunBytes(kept) <= Math.Max(budget, besides + least));
            Assert.Equal(kept.Bytes + outputs + learned, model.HeapBytes(kept));
            var tiles = memory.Order.Index().Select(tile => memory.Of(tile.Index, kept.From(tile.Item.Row, tile.Item.Column))).ToArray();
            Assert.Equal(
                besides - weights - learned - outputs + (long)(1.02 * tiles.Max(tile => Math.Max(tile.ForwardPeak, tile.BackwardPeak))),
                model.TileBytes(kept));
            Assert.Equal(
                Enumerable.Range(0, tiles.Length).Max(tile => memory.Carried.At(tile, kept.Cut).Backward), model.CarryBytes(kept));
            var waiting = (c.IsElsewhere ? 0 : memory.Carried.At(tiles.Length - 1, kept.Cut).Forward)
                + (long)(1.02 * tiles.Sum(tile => tile.Kept));
            Assert.Equal(isForward ? 0 : waiting, model.WaitingBytes(kept));
            var carried = isForward ? new SeamMemory(grid, _ => false).MostForward : grid.CarriedValues;
            Assert.Equal(c.IsElsewhere ? c.Batch * 4 * carried : 0, model.CarryElsewhereBytes);

            long Values(int node) => grid.Size(node).Height * grid.Size(node).Width * graph.Nodes[node].Channels;
        },
        iter: 60,
        threads: 1);

    [Fact]
    public void Seconds_are_those_of_the_tiles_one_by_one() => Any.Sample(
        c =>
        {
            using var scope = NewDisposeScope();
            var (graph, grid, trunk) = c.Make();
            var model = new StepModel(grid, trunk);
            var kept = model.Keep(model.LeastBytes + (long)(c.BudgetInTiles * Mebibyte));
            var time = new ProgramTime(trunk, mapsAnew: false);
            double forward = 0, backward = 0, again = 0;
            foreach (var (row, column) in grid.Order())
            {
                var kind = model.Programs.KindOf((row, column));
                forward += time.Of(model.Programs.Forward(kind, graph.Nodes.Count));
                if (c.Passes != Passes.Both)
                    continue;
                backward += time.Of(model.Programs.Backward(kind, graph.FirstLayer));
                var redone = time.Again(model.Programs.Backward(kind, kept.From(row, column)));
                again += redone;
                Assert.Equal(0, time.Again(model.Programs.Backward(kind, graph.FirstLayer)));
                // What is computed again, and what is not, are together the way backwards from what was kept.
                Near(time.Of(model.Programs.Backward(kind, kept.From(row, column))), redone
                    + time.Of(model.Programs.Backward(kind, graph.FirstLayer)));
            }

            Near(forward, model.Forward);
            Near(backward, model.Backward);
            Near(again, model.Recompute(kept));
            Near(forward + backward + again, model.Seconds(kept));
        },
        iter: 40,
        threads: 1);

    /// <summary>With one of the machine's rates slow and the others without limit, seconds are what the layers do of that.</summary>
    [Fact]
    public void Each_rate_is_divided_into_what_layers_do_at_it()
    {
        using var scope = NewDisposeScope();
        const double Slow = 1000, Fast = double.PositiveInfinity;
        using var network = Sequential(Conv2d(3, 8, 3, padding: 1), MaxPool2d(2), Conv2d(8, 5, 3, padding: 1, groups: 1));
        var graph = GraphBuilder.Trace(network, 3).Local;
        var grid = GridPlan.ExactlyOnce(graph, [(32, 24)], (40, 40), beyondBorder: false);
        var none = new ComputeRates { Comparisons = Fast, Bandwidth = Fast, Weights = Fast, Fresh = Fast, Call = 0 };
        none = none with { Work = Work(Fast) };
        long[] positions = [32 * 24, 16 * 12, 16 * 12];
        double[] values = [3 * 32 * 24, 8 * 32 * 24, 8 * 16 * 12, 5 * 16 * 12];

        // Multiplications and additions of a convolution; twice as many backwards, but for the first one, whose image learns nothing. The
        // way backwards is twice as fast here.
        var (first, second) = (graph.Nodes[1].Layer!.WorkPerPosition * positions[0], graph.Nodes[3].Layer!.WorkPerPosition * positions[2]);
        Assert.Equal((3 * 8 * 9 * positions[0]) / (8.0 * 5 * 9 * positions[2]), first / second);
        Same((first + second) / Slow, (first + (2 * second)) / (2 * Slow), none with { Work = Work(Slow) });
        // A comparison less than there are values in the window: in the forward pass alone.
        Same(graph.Layers.Sum(node => node.Layer!.ComparisonsPerPosition * node.Channels) * positions[1] / Slow, 0, none with
        {
            Comparisons = Slow,
        });
        var moved = 4 * (values[0] + (2 * values[1]) + (2 * values[2]) + values[3]);
        Same(moved / Slow, 1.5 * moved / Slow, none with { Bandwidth = Slow });
        var weights = network.parameters().Sum(parameter => parameter.numel() * 4);
        Same(weights / Slow, 3 * weights / Slow, none with { Weights = Slow });
        Same(3, 6, none with { Call = 1 });
        // Large tensors alone are fresh memory, and where maps are made anew.
        Same(0, 0, none with { Fresh = Slow });
        Same(0, 0, none with { Fresh = Slow }, mapsAnew: true);

        void Same(double forward, double backward, ComputeRates rates, bool mapsAnew = false)
        {
            var model = new StepModel(grid, new TrunkCost(graph, [false], 1, 4, new()).At(rates), mapsAnew);
            Near(forward, model.Forward);
            Near(backward, model.Backward);
        }
    }

    /// <summary>Where maps are made anew each time, those above 32 MiB are fresh memory, and so is what convolutions rearrange.</summary>
    [Fact]
    public void Large_maps_are_fresh_memory_where_they_are_made_anew()
    {
        using var scope = NewDisposeScope();
        const double Fast = double.PositiveInfinity;
        var rates = new ComputeRates { Comparisons = Fast, Bandwidth = Fast, Weights = Fast, Fresh = 1000, Call = 0 };
        rates = rates with { Work = Work(Fast) };
        foreach (var module in (Module<Tensor, Tensor>[])[Conv2d(1, 1, 3, padding: 1), MaxPool2d(3, 1, 1)])
        {
            var rearranges = module is TorchSharp.Modules.Conv2d;
            var graph = GraphBuilder.Trace(Sequential(module, module), 1).Local;
            foreach (var (height, isFresh) in new[] { (2048L, false), (2049L, true) })
            {
                var bytes = height * 4096 * 4;
                var grid = GridPlan.ExactlyOnce(graph, [(height, 4096)], (4096, 4096), beyondBorder: false);
                var model = new StepModel(grid, new TrunkCost(graph, [true], 1, 4, new()).At(rates), mapsAnew: true);
                Assert.Equal(rearranges, grid.Tile(0, 0).Memory(1).Rearranges);
                Near(isFresh ? 2 * (rearranges ? 3 : 1) * bytes / 1000.0 : 0, model.Forward);
                Near(isFresh ? 2 * (rearranges ? 5 : 1) * bytes / 1000.0 : 0, model.Backward);
                Near(0, new StepModel(grid, new TrunkCost(graph, [true], 1, 4, new()).At(rates)).Forward);
            }
        }
    }

    private static Dictionary<WorkKind, WorkRate> Work(double rate) =>
        Enum.GetValues<WorkKind>().ToDictionary(kind => kind, _ => new WorkRate(rate, 2 * rate));

    private static void Near(double expected, double actual) =>
        Assert.True(Math.Abs(expected - actual) <= 1e-9 * (1e-12 + Math.Abs(expected)), $"{actual} seconds, {expected} expected");

    private sealed record Case(
        int Layers,
        bool Wanted,
        bool IsElsewhere,
        int Batch,
        (long Height, long Width) Size,
        (long Height, long Width) Tile,
        Passes Passes,
        double BudgetInTiles)
    {
        public (NetworkGraph Graph, GridPlan Grid, TrunkCost Trunk) Make()
        {
            var network = Sequential([
                .. Enumerable.Range(0, Layers).SelectMany(layer => (Module<Tensor, Tensor>[])
                    [Conv2d(layer == 0 ? 3 : 4, 4, 3, padding: 1, stride: 1 + (layer % 2)), layer == 1 ? MaxPool2d(2) : ReLU()]),
            ]);
            network.parameters().First().requires_grad = Layers != 2;
            var graph = GraphBuilder.Trace(network, 3).Local;
            var grid = GridPlan.ExactlyOnce(graph, [Size], Tile, beyondBorder: true);
            return (graph, grid, new TrunkCost(graph, [Wanted], Batch, 4, new(), IsElsewhere).For(Passes));
        }
    }
}
