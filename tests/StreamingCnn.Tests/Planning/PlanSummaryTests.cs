using System.Text.RegularExpressions;
using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Planning;

/// <summary>What people are told of a plan is what the planner knows of it, and its parts add up.</summary>
public class PlanSummaryTests
{
    [Fact]
    public void Parts_add_up_to_the_step_s_bytes_and_sizes_are_those_of_the_plan() => Gen.Select(
        Gen.Int[1, 3], Gen.Long[20, 90], Gen.Long[20, 90], Gen.Int[8, 100], Gen.Int[8, 100], Gen.Double[1, 4], Gen.Bool, Gen.Int[1, 3])
        .Sample(
            (layers, height, width, tileHeight, tileWidth, budget, overlaps, processes) =>
            {
                using var scope = NewDisposeScope();
                var graph = Network(layers);
                var trunk = new TrunkCost(graph, [true], 1, 4, new());
                var mode = overlaps ? StreamingMode.Overlap : StreamingMode.ExactlyOnce;
                var options = new StreamingOptions { Tile = (tileHeight, tileWidth), Mode = mode };
                var plan = Planner.Choose(graph, options, trunk, (height, width));
                if (processes > 1 && !overlaps)
                    plan = Shared(plan, trunk, processes);
                var (grid, kept) = plan.Widest;
                var model = new StepModel(grid, trunk);
                var asked = 0;

                var told = PlanSummary.Of(plan, mode, trunk, (graph, trunk), () =>
                {
                    asked++;
                    return [trunk.Rates with { Call = 1 }, trunk.Rates with { Call = 2 }];
                });

                Assert.Equal((height, width), told.Image);
                Assert.Equal((Math.Min(tileHeight, height), Math.Min(tileWidth, width)), told.Tile);
                Assert.Equal((grid.Rows.Steps, grid.Columns.Steps), told.Grid);
                Assert.Equal([grid.Size(graph.Outputs[0])], told.Outputs);
                Assert.Equal(plan.Shared is null ? 1 : processes, told.Processes);
                Assert.Equal(model.Bytes(kept), told.StepBytes);
                Assert.Equal(
                    (trunk.ParameterBytes, model.OutputBytes, model.CarryBytes(kept)),
                    (told.ParameterBytes, told.OutputBytes, told.CarryBytes));
                Assert.True(told.TileBytes > 0 && told.KeptBytes >= 0 && told.MapBytes == 0);
                Assert.Equal(model.Recompute(kept) / model.Forward, told.Recomputed, 1e-12);
                var messages = StripeMessages.Of(plan, 4);
                Assert.Equal((messages.Row, messages.Pass), (told.RowMessageBytes, told.MessageBytes));

                // Conventional backpropagation is one tile that keeps everything, in fresh memory.
                var one = GridPlan.ExactlyOnce(graph, [(height, width)], (height, width), beyondBorder: false);
                Assert.Equal(new StepModel(one, trunk, mapsAnew: true).AllKeptBytes, told.WholeBytes);

                double computed = 0, all = 0;
                foreach (var node in graph.Layers.Where(node => !grid.Roles.IsView(node.Index)))
                {
                    for (var row = 0; row < grid.Rows.Steps; row++)
                    {
                        for (var column = 0; column < grid.Columns.Steps; column++)
                            computed += grid.Computed(node.Index, row, column).Area * node.Channels;
                    }

                    all += grid.Size(node.Index).Height * grid.Size(node.Index).Width * node.Channels;
                }

                Assert.Equal(computed / all, told.ComputedOnceRatio, 1e-12);
                Assert.True(overlaps || told.ComputedOnceRatio == 1);

                Assert.Equal(0, asked);
                Assert.Equal(new StepModel(grid, trunk.At(trunk.Rates with { Call = 1 })).Seconds(kept) * plan.Time, told.Seconds, 1e-9);
                var whole = new StepModel(one, trunk.At(trunk.Rates with { Call = 2 }), mapsAnew: true);
                Assert.Equal(whole.Forward + whole.Backward, told.WholeSeconds, 1e-9);
                Assert.Equal(1, asked);
            },
            iter: 40,
            threads: 1);

    /// <summary>Of each level from which stride on, and with how many tiles its maps advance along either axis.</summary>
    [Fact]
    public void Late_maps_are_told_with_their_steps()
    {
        using var scope = NewDisposeScope();
        using var network = Sequential(
            Conv2d(3, 4, 3, stride: 2, padding: 1), Conv2d(4, 4, 3, stride: 2, padding: 1), Conv2d(4, 4, 3, padding: 1));
        var graph = GraphBuilder.Trace(network, 3).Local;
        var grid = GridPlan.ExactlyOnce(graph, [(256, 128)], (16, 16), beyondBorder: false, [(4, 4), (64, 8)]);

        // 16 tiles in shares of 4 are 4, 8 are 2; no map has a stride of 64, and what is not there advances with every tile.
        Assert.Equal([(4, 4, 2), (64, 16, 8)], PlanSummary.LateMaps(grid));
    }

    [Fact]
    public void The_text_says_what_is_kept_of_each_kind_of_tile()
    {
        using var scope = NewDisposeScope();
        var graph = Network(2);
        var trunk = new TrunkCost(graph, [true], 1, 4, new());
        var grid = GridPlan.ExactlyOnce(graph, [(60, 40)], (20, 20), beyondBorder: false);
        var programs = new TilePrograms(grid, trunk.Differentiable);
        var memory = new StepMemory(programs, trunk, gaps: 1);
        var cuts = KeptLayers.Cuts(graph, 9);

        Assert.Contains("of which nothing is kept from the forward pass", Text(KeptLayers.Nothing(memory, graph.Nodes.Count)));
        Assert.Contains("of which all is kept from the forward pass", Text(KeptLayers.Choose(memory, cuts, long.MaxValue / 2)));
        var some = cuts[1..^1];
        Assert.Contains(
            $"of which layers from {graph.Nodes[some[0]].Path} on are kept from the forward pass",
            Text(KeptLayers.Choose(memory, some, long.MaxValue / 2)));
        var text = Text(KeptLayers.Nothing(memory, graph.Nodes.Count));
        Assert.Equal(
            (Regex.Count(text, "(?m)^Kind "), Regex.Count(text, "(?m)^Kind ")),
            (Regex.Count(text, "(?m)^forwards$"), Regex.Count(text, "(?m)^backwards$")));
        Assert.Matches("(?m)^Kind 1 of [0-9]+: 1 tile, the first in row 1 and column 1, ", text);
        Assert.Matches("(?m)^Kind [0-9]+ of [0-9]+: 2 tiles|^Kind 6 of 6: 1 tile, the first in row 3 and column 2", text);

        string Text(KeptLayers kept) => PlanText.Of(new(grid, programs, kept, (20, 20)), trunk);
    }

    private static NetworkGraph Network(int layers)
    {
        var network = Sequential([
            .. Enumerable.Range(0, layers).SelectMany(layer => (Module<Tensor, Tensor>[])
                [Conv2d(layer == 0 ? 3 : 4, 4, 3, padding: 1, stride: 1 + (layer % 2)), ReLU()]),
        ]);
        return GraphBuilder.Trace(network, 3).Local;
    }

    private static StepPlan Shared(StepPlan plan, TrunkCost trunk, int processes)
    {
        var (stripes, time) = new StripeBalance(plan.Programs, trunk).Of(processes, processes);
        var grid = plan.Grid.Within(stripes.Widest);
        var kept = new StepModel(grid, trunk).Keep(0);
        var own = plan.Grid.Within(stripes.Of(0));
        return new(own, new TilePrograms(own, trunk.Differentiable), kept, plan.Tile) { Shared = new(stripes, kept, time) };
    }
}
