using CsCheck;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Planning;

/// <summary>Tiles that several processes share: how long they take, what goes from one process to another, and which are tried.</summary>
public class StripeBalanceTests
{
    /// <summary>
    /// A tile may run when the one to its left, of whichever process, and all of the row above it in its own stripe have; each process runs
    /// one at a time. Played tile by tile, that takes as long as is said.
    /// </summary>
    [Fact]
    public void Rows_follow_each_other_from_process_to_process_as_a_wave() => Gen.Select(
        Gen.Int[1, 3], Gen.Long[20, 90], Gen.Long[20, 90], Gen.Long[8, 40], Gen.Long[8, 40], Gen.Int[1, 4]).Sample(
        (layers, height, width, tileHeight, tileWidth, processes) =>
        {
            using var scope = NewDisposeScope();
            var (grid, trunk) = Make(layers, (height, width), (tileHeight, tileWidth));
            var programs = new TilePrograms(grid, trunk.Differentiable);
            var time = new ProgramTime(trunk, mapsAnew: false);
            var nodes = grid.Graph.Nodes.Count;

            var (stripes, waiting) = new StripeBalance(programs, trunk).Of(processes, processes);

            double Forward(int row, int column) => time.Of(programs.Forward(programs.KindOf((row, column)), nodes));
            double Backward(int row, int column) => time.Of(programs.Backward(programs.KindOf((row, column)), nodes));
            var seconds = Play([.. Enumerable.Range(0, processes).Select(stripes.Of)], [.. Enumerable.Range(0, grid.Rows.Steps)], Forward)
                + Play(
                    [.. Enumerable.Range(0, processes).Reverse().Select(stripes.Of)],
                    [.. Enumerable.Range(0, grid.Rows.Steps).Reverse()],
                    Backward);
            var widest = stripes.Widest;
            Assert.True(Enumerable.Range(0, processes).All(rank => Columns(stripes.Of(rank)) <= Columns(widest)));
            var alone = Enumerable.Range(0, grid.Rows.Steps).Sum(row => Enumerable.Range(widest.Start, Columns(widest))
                .Sum(column => Forward(row, column) + Backward(row, column)));
            Assert.Equal(seconds / alone, waiting, 1e-9);
            Assert.Equal(processes, stripes.Count);
            double[] work =
            [
                .. Enumerable.Range(0, grid.Columns.Steps).Select(column =>
                    Enumerable.Range(0, grid.Rows.Steps).Sum(row => Forward(row, column) + Backward(row, column))),
            ];
            double Heaviest(Stripes some) =>
                Enumerable.Range(0, processes).Max(rank => work[some.Of(rank).Start..some.Of(rank).End].Sum());
            Assert.Equal(Heaviest(Stripes.Balanced(work, processes)), Heaviest(stripes), 1e-12);
        },
        iter: 50,
        threads: 1);

    [Fact]
    public void Messages_are_what_stripes_read_of_those_before_them() => Gen.Select(
        Gen.Int[0, 1_000_000],
        Gen.Int[1, 6],
        Gen.Int[1, 40],
        Gen.Int[1, 40],
        Gen.Int[1, 20],
        Gen.Int[1, 9],
        Gen.Int[0, 20].Array[1, 4]).Sample(
        (seed, layers, height, width, tileHeight, tileWidth, weights) =>
        {
            var graph = RandomGraph.Grow(seed, layers, height, width, RandomGraph.AllKinds);
            var grid = GridPlan.ExactlyOnce(graph, [(height, width)], (tileHeight, tileWidth), beyondBorder: seed % 2 == 0);
            var trunk = new TrunkCost(graph, [true], 1, 4, new());
            var stripes = Stripes.Balanced(
                [.. Enumerable.Range(0, grid.Columns.Steps).Select(column => (double)weights[column % weights.Length])], weights.Length);
            var programs = new TilePrograms(grid, trunk.Differentiable);
            var memory = new StepMemory(programs, trunk, gaps: 1);
            var plan = new StepPlan(grid, programs, KeptLayers.Nothing(memory, graph.Nodes.Count), (tileHeight, tileWidth));
            Assert.Equal(default, StripeMessages.Of(plan, 4));

            var messages = StripeMessages.Of(plan with { Shared = new(stripes, plan.Kept, 1) }, 4);

            // What a process holds of a row that others have run.
            var (row, pass) = (0L, 0L);
            for (var rank = 1; rank < stripes.Count; rank++)
            {
                var own = grid.Within(stripes.Of(rank));
                long[] rows =
                [
                    .. Enumerable.Range(0, grid.Rows.Steps).Select(step => Enumerable.Range(0, stripes.Of(rank).Start)
                        .Where(column => graph.Nodes.Any(node =>
                            grid.Carry(node.Index) is { } carry && carry.ReadBy(stripes.Of(rank)).Contains(column)))
                        .Sum(column => graph.Nodes.Sum(node =>
                            grid.Carry(node.Index) is { } carry && carry.ReadBy(stripes.Of(rank)).Contains(column)
                                ? own.Carry(node.Index)!.Stored(step, column).Sum(piece => piece.Region.Area) * node.Channels : 0))),
                ];
                (row, pass) = (Math.Max(row, rows.Max()), Math.Max(pass, rows.Sum()));
            }

            Assert.Equal((4 * row, 4 * pass), (messages.Row, messages.Pass));
        },
        iter: 150,
        threads: 1);

    /// <summary>
    /// As wide as a stripe, a sixteenth wider, or a half, a quarter of it; in multiples of 32, and no wider than the image.
    /// </summary>
    [Fact]
    public void Tiles_that_are_tried_are_as_wide_as_stripes_or_a_few_make_one_up()
    {
        long[] heights = [1000, 512, 256, 160];
        // Of a width of 1000 a stripe for two has 500 pixels, for four 250.
        Assert.Equal(
            [
                (512, 544), (512, 512),
                (256, 544), (256, 512), (256, 256),
                (160, 544), (160, 512), (160, 256),
            ],
            StripeTiles.Of(heights, 1000, 1000, 2));
        // Rows are so many that nobody waits for more than two of its own: two of 512 are enough for four processes, and not for five.
        Assert.Equal(
            [(512, 288), (512, 256), (256, 288), (256, 256), (160, 288), (160, 256)], StripeTiles.Of(heights, 1000, 1000, 4));
        Assert.Equal([(256, 256), (256, 224), (160, 256), (160, 224)], StripeTiles.Of(heights, 1000, 1000, 5));
        // 100 pixels for two are 50, which makes 64.
        Assert.Equal([(32, 96), (32, 64), (32, 32)], StripeTiles.Of([32], 1000, 100, 2));
        Assert.Equal([(32, 40), (32, 40), (32, 32)], StripeTiles.Of([32], 1000, 40, 1));
        Assert.Equal([(512, 7), (256, 7), (160, 7), (96, 7), (64, 7)], StripeTiles.Lower([1000, 512, 256, 160, 96, 64, 32], (512, 7)));
    }

    private static int Columns(HomeRange stripe) => stripe.End - stripe.Start;

    private static double Play(HomeRange[] stripes, int[] rows, Func<int, int, double> seconds)
    {
        var done = new double[stripes.Length, rows.Length];
        for (var place = 0; place < rows.Length; place++)
        {
            for (var stripe = 0; stripe < stripes.Length; stripe++)
            {
                var above = place == 0 ? 0 : done[stripe, place - 1];
                var beside = stripe == 0 ? 0 : done[stripe - 1, place];
                done[stripe, place] = Math.Max(above, beside)
                    + Enumerable.Range(stripes[stripe].Start, Columns(stripes[stripe])).Sum(column => seconds(rows[place], column));
            }
        }

        return done.Cast<double>().Max();
    }

    private static (GridPlan Grid, TrunkCost Trunk) Make(int layers, (long, long) size, (long, long) tile)
    {
        var network = Sequential([
            .. Enumerable.Range(0, layers).SelectMany(layer => (Module<Tensor, Tensor>[])
                [Conv2d(layer == 0 ? 3 : 4, 4, 3, padding: 1, stride: 1 + (layer % 2)), ReLU()]),
        ]);
        var graph = GraphBuilder.Trace(network, 3).Local;
        return (GridPlan.ExactlyOnce(graph, [size], tile, beyondBorder: true), new TrunkCost(graph, [true], 1, 4, new()));
    }
}
