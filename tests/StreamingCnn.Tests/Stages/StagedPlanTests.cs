using System.Globalization;
using System.Text.RegularExpressions;
using CsCheck;
using StreamingCnn.Distributed;
using StreamingCnn.Execution;
using StreamingCnn.Execution.Stages;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>A network of stages is planned as a whole: its bytes are those of the run, and within the budget, or it is refused.</summary>
public sealed class StagedPlanTests
{
    private static readonly Gen<Case> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Long[1, 2], Gen.Int[20, 45], Gen.Int[20, 45], Gen.Int[5, 50], Gen.Bool,
        (seed, batch, height, width, tile, isFile) => new Case(seed, batch, height, width, tile, isFile));

    [Fact]
    public void Maps_that_wait_take_the_bytes_that_were_planned_for_them() => AnyCase.Sample(
        c =>
        {
            using var scope = NewDisposeScope();
            var options = new StreamingOptions { Tile = (c.Tile, c.Tile), BoundaryMaps = c.IsFile ? CarryPlace.File : CarryPlace.Device };
            var network = RandomNetwork(new Random(c.Seed));
            var arithmetic = new TrunkArithmetic(network, options);
            var image = rand(c.Batch, 2, c.Height, c.Width);
            using var sources = new SourceSet(new TensorSource(image, ScalarType.Float32, CPU) { GradientIsWanted = c.Seed % 2 == 0 });
            var stages = new SizedStages(
                new StagedNetwork(GraphBuilder.Trace(network, 2), sources.Wanted), sources.Sizes, arithmetic.Streamed);
            var costs = arithmetic.Costs(c.Batch, ScalarType.Float32);
            var plan = new PlanMemory().Choose(stages, options, costs);
            IMapShelf shelf = c.IsFile
                ? new RestingMapShelf(new HostScratch(), CPU, MapFormat.ChannelsLast, 1 << 20)
                : new MemoryShelf(CPU, MapFormat.ChannelsLast);

            using (var run = new StagedRun(
                plan,
                sources,
                new() { MapType = ScalarType.Float32, Format = MapFormat.ChannelsLast, WillReverse = true },
                shelf,
                (_, _) => null))
            {
                var outputs = TensorSink.Run(run, null);
                run.Backward([.. outputs.Select(output => ones_like(output))], null);
                var most = new BoundaryBytes(stages, costs.ValueBytes, costs.GradientBytes).Most;
                Assert.True(most > 0);
                Assert.Equal(most, c.IsFile ? shelf.PeakBytesElsewhere : shelf.PeakBytes);
            }

            Assert.Equal(0, shelf.Bytes);
        },
        iter: 25,
        threads: 1);

    [Fact]
    public void Small_images_keep_everything_and_compute_nothing_again()
    {
        using var network = Sequential(new ResNetTrunk(18), AdaptiveAvgPool2d(1), Flatten(), Linear(512, 3));
        using var streaming = new StreamingModule(network, new() { MemoryBudget = 2L << 30 });

        var plan = streaming.Plan(224, 224);

        Assert.Equal((0, (1, 1), 0), (plan.Recomputed, plan.Grid, plan.MapElsewhereBytes));
        Assert.InRange(plan.StepBytes, plan.WholeBytes / 3, 2L << 30);
    }

    [Fact]
    public void A_step_stays_within_every_budget_from_the_smallest_on()
    {
        using var network = Sequential(
            Conv2d(3, 16, 3, padding: 1, bias: false), BatchNorm2d(16), ReLU(),
            Conv2d(16, 32, 3, stride: 2, bias: false), BatchNorm2d(32), ReLU());
        using var asked = new StreamingModule(network, new() { MemoryBudget = 1 });
        var smallest = asked.SmallestBudget(1000, 1000);
        foreach (var (factor, place) in ((double, CarryPlace?)[])[(1, null), (1.05, null), (1.5, null), (4, CarryPlace.File), (10, null)])
        {
            var budget = (long)(factor * smallest);
            using var streaming = new StreamingModule(network, new() { MemoryBudget = budget, BoundaryMaps = place });

            var plan = streaming.Plan(1000, 1000);

            Assert.InRange(plan.StepBytes, 1, StepModel.Within(budget));
            Assert.Equal(3, plan.Stages);
        }

        var failure = Assert.Throws<InsufficientMemoryException>(() => asked.Plan(1000, 1000));

        Assert.Contains(
            string.Create(
                CultureInfo.InvariantCulture,
                $"the smallest budget that they fit into is {Math.Ceiling(smallest / 1048576.0)} MiB"),
            failure.Message);
    }

    /// <summary>What is said of each process's bytes is within its budget, too, and is what was planned for it.</summary>
    [Fact]
    public void A_step_that_processes_share_stays_within_the_budget_of_each()
    {
        using var network = Sequential(
            Conv2d(3, 16, 3, padding: 1, bias: false), BatchNorm2d(16), ReLU(),
            Conv2d(16, 32, 3, stride: 2, bias: false), BatchNorm2d(32), ReLU());
        foreach (var processes in (int[])[1, 2, 4])
        {
            StreamingOptions Options(long budget) => new() { MemoryBudget = budget, SplitOver = new PlannedRanks(processes) };
            using var asked = new StreamingModule(network, Options(1));
            var smallest = asked.SmallestBudget(1000, 1000);
            foreach (var factor in (double[])[1, 1.2, 3, 10])
            {
                using var streaming = new StreamingModule(network, Options((long)(factor * smallest)));

                var plan = streaming.Plan(1000, 1000);

                Assert.InRange(plan.StepBytes, 1, StepModel.Within((long)(factor * smallest)));
                Assert.True(plan.TileBytes > 0 && plan.KeptBytes >= 0);
                Assert.Equal(processes, plan.Processes);
            }
        }
    }

    [Fact]
    public void Maps_go_to_a_file_where_the_budget_is_too_small_for_them()
    {
        using var network = Sequential(
            Conv2d(3, 32, 3, padding: 1, bias: false), BatchNorm2d(32), ReLU(),
            Conv2d(32, 32, 3, padding: 1, bias: false), BatchNorm2d(32), AdaptiveAvgPool2d(1), Flatten());
        const long Map = 32L * 1500 * 1500 * sizeof(float);
        foreach (var (budget, isElsewhere) in new[] { (16 * Map, false), (2 * Map, true) })
        {
            using var streaming = new StreamingModule(network, new() { MemoryBudget = budget });

            var plan = streaming.Plan(1500, 1500);

            Assert.Equal(isElsewhere, plan.MapElsewhereBytes > 0);
            // Both norms' inputs wait, and their gradients do. Where a file is what they would wait in, the first one is computed again
            // from the image.
            if (isElsewhere)
                Assert.Equal(2 * Map, plan.MapElsewhereBytes);
            else
                Assert.InRange(plan.MapBytes, 4 * Map, budget);
            Assert.Contains(isElsewhere ? "in a file" : "on the device", plan.Explanation);
        }
    }

    [Fact]
    public void The_text_of_a_plan_tells_of_its_stages()
    {
        using var network = Sequential(Conv2d(3, 4, 3), BatchNorm2d(4), ReLU());
        using var streaming = new StreamingModule(network, new() { Tile = (64, 64) });

        var plan = streaming.Plan(200, 200);

        Assert.Matches("(?m)^stages     2; tile and grid are those of the first$", plan.ToString());
        Assert.Matches("(?m)^maps       .* between stages$", plan.ToString());
        Assert.Matches("(?m)^Stage 1 of 2$", plan.Explanation);
        Assert.Matches(new Regex(@"(?m)^reduces 0 \(4 x 198 x 198\)"), plan.Explanation);
        Assert.True(plan.Seconds > 0 && plan.WholeSeconds > 0);
    }

    private static Module<Tensor, Tensor> RandomNetwork(Random random)
    {
        var layers = new List<Module<Tensor, Tensor>>();
        var channels = 2;
        for (var layer = random.Next(2, 5); layer > 0; layer--)
        {
            var next = random.Next(1, 7);
            layers.Add(Conv2d(channels, next, 3, padding: 1, stride: random.Next(1, 3), bias: false));
            layers.Add(BatchNorm2d(next));
            layers.Add(ReLU());
            channels = next;
        }

        if (random.Next(2) == 0)
            layers.Add(Conv2d(channels, 3, 3, padding: 1));
        return Sequential(layers);
    }

    private sealed record Case(int Seed, long Batch, int Height, int Width, int Tile, bool IsFile);
}
