using StreamingCnn.Graph;
using StreamingCnn.Models;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>What a plan tells its reader.</summary>
public class PlanTests
{
    [Fact]
    public void Asking_for_a_plan_and_its_times_changes_no_random_numbers()
    {
        using var trunk = ModelCatalog.Create("small");
        using var streaming = new StreamingModule(trunk, new() { Tile = (64, 64) });
        manual_seed(1);
        var expected = rand(1).item<float>();
        manual_seed(1);

        Assert.True(streaming.Plan(200, 200).TimeRatio > 0);

        Assert.Equal(expected, rand(1).item<float>());
    }

    /// <summary>Networks, and the channels that they ask of an image; null where they take any.</summary>
    private static readonly Dictionary<string, (Func<Module<Tensor, Tensor>> Make, long? Channels)> Networks = new()
    {
        ["a convolution"] = (() => Conv2d(5, 8, 3), 5),
        ["behind layers without an opinion"] = (() => Sequential(ReLU(), MaxPool2d(2), Conv2d(2, 8, 3)), 2),
        ["behind positions that become channels"] = (() => Sequential(PixelUnshuffle(2), Conv2d(16, 8, 1)), 4),
        ["behind channels that become positions"] = (() => Sequential(PixelShuffle(3), ConvTranspose2d(2, 8, 3)), 18),
        ["behind a gate"] = (() => Sequential(GLU(1), Evaluating(BatchNorm2d(3))), 6),
        ["a layer that is not traced first"] = (() => new Reversed(), 7),
        ["a part of the channels"] = (() => new Part(), null),
        ["a pooling"] = (() => MaxPool2d(2), null),
        ["a block that looks first"] = (() => new Looking(), 3),
    };

    public static TheoryData<string> Names => [.. Networks.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_plan_is_for_the_channels_that_the_network_asks_for(string name)
    {
        var (make, channels) = Networks[name];
        using var trunk = make();
        using var streaming = new StreamingModule(trunk, new() { Tile = (32, 32) });

        var plan = streaming.Plan(96, 96);

        Assert.Equal(streaming.Plan(96, 96, channels ?? 3).StepBytes, plan.StepBytes);
        if (channels is { } asked)
            Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(96, 96, asked + 1));
        else
            Assert.True(streaming.Plan(96, 96, 5).StepBytes > 0);
    }

    [Fact]
    public void A_plan_needs_a_channel()
    {
        using var streaming = new StreamingModule(MaxPool2d(2), new() { Tile = (32, 32) });

        Assert.Throws<ArgumentOutOfRangeException>(() => streaming.Plan(96, 96, 0));
    }

    [Fact]
    public void Times_are_positive_and_a_plan_keeps_to_its_budget()
    {
        using var trunk = new ResNetTrunk(18);
        trunk.eval();
        foreach (var mebibytes in (long[])[300, 500, 1000])
        {
            using var streaming = new StreamingModule(trunk, new() { MemoryBudget = mebibytes << 20 });

            var plan = streaming.Plan(1024, 1024);

            Assert.InRange(plan.StepBytes, 1, mebibytes << 20);
            Assert.True(plan.Seconds > 0);
            Assert.True(plan.WholeSeconds > 0);
        }
    }

    /// <summary>
    /// By the rates that plans are chosen with. What a plan tells are those of the machine at this moment, which other processes may be
    /// keeping busy.
    /// </summary>
    [Fact]
    public void More_memory_never_costs_time()
    {
        using var trunk = new ResNetTrunk(18);
        trunk.eval();
        var graph = GraphBuilder.Trace(trunk, 3).Local;
        var cost = new TrunkCost(graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());

        var seconds = ((long[])[300, 500, 1000])
            .Select(mebibytes => PlanSummary.Of(
                Planner.Choose(graph, new() { MemoryBudget = mebibytes << 20 }, cost, (1024, 1024)),
                StreamingMode.ExactlyOnce,
                cost,
                (graph, cost),
                () => [cost.Rates]).Seconds)
            .ToArray();

        Assert.Equal(seconds.OrderDescending(), seconds);
    }

    /// <summary>Most who ask for a plan want to know its memory; to know times, the machine must be measured.</summary>
    [Fact]
    public void The_machine_is_asked_when_times_are_asked_for_and_once()
    {
        using var trunk = ModelCatalog.Create("small");
        trunk.eval();
        var graph = GraphBuilder.Trace(trunk, 3).Local;
        var cost = new TrunkCost(graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());
        var asked = 0;
        var plan = PlanSummary.Of(
            Planner.Choose(graph, new() { MemoryBudget = 100 << 20 }, cost, (512, 512)),
            StreamingMode.ExactlyOnce,
            cost,
            (graph, cost),
            () =>
            {
                asked++;
                return [cost.Rates with { Call = 1 }];
            });

        Assert.True(plan is { StepBytes: > 0, WholeBytes: > 0, Recomputed: >= 0, ComputedOnceRatio: >= 1 });
        Assert.Equal(0, asked);
        trunk.Dispose();
        Assert.InRange(plan.Seconds, graph.Nodes.Count - 1, 1e6);
        Assert.Equal(plan.Seconds / plan.WholeSeconds, plan.TimeRatio);
        Assert.Equal((plan with { Mode = StreamingMode.Overlap }).Seconds, plan.Seconds);
        Assert.Contains("time ", plan.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, asked);
        Assert.Equal((2.0, plan.WholeSeconds), ((plan with { Seconds = 2 }).Seconds, (plan with { Seconds = 2 }).WholeSeconds));
    }

    [Fact]
    public void The_conventional_step_holds_the_maps_between_convolutions_and_norms()
    {
        using var trunk = new ResNetTrunk(18);
        trunk.eval();
        using var streaming = new StreamingModule(trunk, new() { Tile = (2048, 2048) });

        var plan = streaming.Plan(2048, 2048);

        // A tile over the whole image has no use for them.
        Assert.InRange(plan.StepBytes / (double)plan.WholeBytes, 0.4, 0.8);
    }

    [Fact]
    public void Twice_the_same_question_gets_the_same_answer()
    {
        using var trunk = new ResNetTrunk(18);
        trunk.eval();
        using var streaming = new StreamingModule(trunk, new() { MemoryBudget = 400L << 20 });

        Assert.Equal(streaming.Plan(900, 1100).ToString(), streaming.Plan(900, 1100).ToString());
    }

    /// <summary>Estimates are told as finely as they are known.</summary>
    [Theory]
    [InlineData(2756.438, "time       about 2756 s; ")]
    [InlineData(12.345, "time       about 12.3 s; ")]
    [InlineData(0.0567, "time       about 0.057 s; ")]
    public void Time_is_told_without_digits_that_nobody_knows(double seconds, string line)
    {
        using var trunk = ModelCatalog.Create("small");
        using var streaming = new StreamingModule(trunk, new() { Tile = (64, 64) });

        Assert.Contains(line, (streaming.Plan(200, 200) with { Seconds = seconds }).ToString(), StringComparison.Ordinal);
    }

    private static Module<Tensor, Tensor> Evaluating(Module<Tensor, Tensor> module)
    {
        module.eval();
        return module;
    }

    private sealed class Reversed : StreamingBlock
    {
        private readonly Module<Tensor, Tensor> last = Conv2d(4, 2, 1);
        private readonly Module<Tensor, Tensor> first = Conv2d(7, 4, 1);

        public Reversed()
            : base(nameof(Reversed)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Through(first).Through(last);
    }

    private sealed class Part : StreamingBlock
    {
        private readonly Module<Tensor, Tensor> convolution = Conv2d(2, 4, 3);

        public Part()
            : base(nameof(Part)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Slice(0, 2).Through(convolution);
    }

    private sealed class Looking : StreamingBlock
    {
        private readonly Module<Tensor, Tensor> convolution = Conv2d(3, 4, 3);

        public Looking()
            : base(nameof(Looking)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) =>
            input.Channels == 3 ? input.Through(convolution) : throw new UnsupportedLayerException("Only photographs.");
    }
}
