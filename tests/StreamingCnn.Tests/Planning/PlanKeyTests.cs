using System.Text;
using CsCheck;
using StreamingCnn.Distributed;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using StreamingCnn.Tests.Geometry;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Planning;

/// <summary>Networks that a plan tells apart never share one, and the same network always does.</summary>
public class PlanKeyTests
{
    /// <summary>Every one differs from the first in one thing; many have the same weights, work and channels as it.</summary>
    private static readonly (string Name, Func<Module<Tensor, Tensor>> Make)[] Networks =
    [
        ("plain", () => Network(Conv2d(8, 8, 3, padding: 1))),
        ("stride", () => Network(Conv2d(8, 8, 3, stride: 2, padding: 1))),
        ("stride of rows", () => Network(Conv2d(8, 8, (3, 3), stride: (2, 1), padding: (1, 1)))),
        ("stride of columns", () => Network(Conv2d(8, 8, (3, 3), stride: (1, 2), padding: (1, 1)))),
        ("padding", () => Network(Conv2d(8, 8, 3, padding: 2))),
        ("no padding", () => Network(Conv2d(8, 8, 3))),
        ("padding that mirrors", () => Network(Conv2d(8, 8, 3, padding: 2, padding_mode: PaddingModes.Reflect))),
        ("padding that repeats", () => Network(Conv2d(8, 8, 3, padding: 2, padding_mode: PaddingModes.Replicate))),
        ("dilation", () => Network(Conv2d(8, 8, 3, padding: 2, dilation: 2))),
        ("kernel", () => Network(Conv2d(8, 8, 5, padding: 2))),
        ("kernel of rows", () => Network(Conv2d(8, 8, (3, 1), padding: (1, 0)))),
        ("kernel of columns", () => Network(Conv2d(8, 8, (1, 3), padding: (0, 1)))),
        ("groups", () => Network(Conv2d(8, 8, 3, padding: 1, groups: 8))),
        ("no bias", () => Network(Conv2d(8, 8, 3, padding: 1, bias: false))),
        ("pooling", () => Network(MaxPool2d(3, 2, 1))),
        ("pooling that rounds up", () => Network(MaxPool2d(3, 2, 1, ceil_mode: true))),
        ("another pooling", () => Network(AvgPool2d(3, 2, 1))),
        ("interpolation", () => Network(Upsample(scale_factor: [2, 2], mode: UpsampleMode.Bilinear, align_corners: false))),
        ("interpolation between corners", () => Network(Upsample(scale_factor: [2, 2], mode: UpsampleMode.Bilinear, align_corners: true))),
        ("enlarging", () => Network(Upsample(scale_factor: [2, 2], mode: UpsampleMode.Nearest))),
        ("transposed", () => Network(ConvTranspose2d(8, 8, 2, stride: 2))),
        ("transposed with padding", () => Network(ConvTranspose2d(8, 8, 4, stride: 2, padding: 1))),
        ("transposed with output padding", () => Network(ConvTranspose2d(8, 8, 3, stride: 2, padding: 1, output_padding: 1))),
        ("frozen", () => Frozen(Network(Conv2d(8, 8, 3, padding: 1)))),
        ("one layer more", () => Sequential(Network(Conv2d(8, 8, 3, padding: 1)), ReLU())),
    ];

    private static readonly StreamingOptions[] Options =
    [
        new() { Tile = (16, 16) },
        new() { Tile = (16, 24) },
        new() { Tile = (16, 16), MemoryBudget = 50 << 20 },
        new() { Tile = (16, 16), Mode = StreamingMode.Overlap },
        new() { Tile = (16, 16), LateMaps = [] },
        new() { Tile = (16, 16), LateMaps = [(4, 2)] },
        new() { Tile = (16, 16), LateMaps = [(4, 3)] },
        new() { MemoryBudget = 60 << 20 },
        new() { MemoryBudget = 61 << 20 },
    ];

    [Fact]
    public void Networks_that_differ_in_one_setting_share_no_plan()
    {
        using var scope = NewDisposeScope();
        var memory = new PlanMemory();
        for (var round = 0; round < 2; round++)
        {
            foreach (var (_, make) in Networks)
                Choose(memory, GraphBuilder.Trace(make(), 3).Local, Options[0]);
        }

        Assert.Equal(Networks.Length, memory.Planned);
    }

    [Fact]
    public void Nor_do_options_sizes_batches_and_types()
    {
        using var scope = NewDisposeScope();
        using var trunk = Networks[0].Make();
        var graph = GraphBuilder.Trace(trunk, 3).Local;
        var memory = new PlanMemory();
        (Func<StepPlan> Plan, string Name)[] questions =
        [
            .. Options.Select(options => ((Func<StepPlan>)(() => Choose(memory, graph, options)), options.ToString())),
            (() => Choose(memory, graph, Options[0], (41, 60)), "height"),
            (() => Choose(memory, graph, Options[0], (40, 61)), "width"),
            (() => Choose(memory, graph, Options[0], wanted: true), "the image's gradient"),
            (() => Choose(memory, graph, Options[0], batch: 2), "batch"),
            (() => Choose(memory, graph, Options[0], elementSize: 8), "type, with as many bytes as two images of half the size"),
            (() => Choose(memory, graph, Options[0], elsewhere: true), "where the carry waits"),
        ];

        foreach (var (plan, name) in questions)
        {
            var before = memory.Planned;
            plan();
            Assert.True(memory.Planned == before + 1, name);
        }

        foreach (var (plan, _) in questions)
            plan();
        Assert.Equal(questions.Length, memory.Planned);
    }

    /// <summary>
    /// Each in a key of its own: options, what runs and where, sources and outputs, and all that planning knows of a layer.
    /// </summary>
    [Fact]
    public void Whatever_a_plan_rests_on_changes_its_key()
    {
        var (options, told) = (new StreamingOptions { Tile = (8, 8) }, new Told());
        var plain = Graph(told);
        (string Name, Func<string> Key)[] keys =
        [
            ("plain", () => Key(options, plain)),
            ("mode", () => Key(options with { Mode = StreamingMode.Overlap }, plain)),
            ("tile", () => Key(options with { Tile = (8, 9) }, plain)),
            ("budget", () => Key(options with { MemoryBudget = 9 }, plain)),
            ("maps", () => Key(options with { BoundaryMaps = CarryPlace.File }, plain)),
            ("several", () => Key(options with { SplitOver = new PlannedRanks(2) }, plain)),
            ("several on one processor", () => Key(options with { SplitOver = new PlannedRanks(2, 1) }, plain)),
            ("more", () => Key(options with { SplitOver = new PlannedRanks(3) }, plain)),
            ("no late maps", () => Key(options with { LateMaps = [] }, plain)),
            ("late maps", () => Key(options with { LateMaps = [(4, 2)] }, plain)),
            ("batch", () => Key(options, plain, batch: 2)),
            ("type", () => Key(options, plain, elementSize: 8)),
            ("elsewhere", () => Key(options, plain, isElsewhere: true)),
            ("forward", () => Key(options, plain, passes: Passes.ForwardIntoTensors)),
            ("into sinks", () => Key(options, plain, passes: Passes.ForwardIntoSinks)),
            ("stage", () => Key(options, plain, stage: Stage(1, false, null))),
            ("another stage", () => Key(options, plain, stage: Stage(2, false, null))),
            ("that keeps nothing", () => Key(options, plain, stage: Stage(1, true, null))),
            ("with maps on their way", () => Key(options, plain, stage: Stage(1, false, 5))),
            ("wanted", () => Key(options, plain, wanted: true)),
            ("height", () => Key(options, plain, (21, 30))),
            ("width", () => Key(options, plain, (20, 31))),
            ("channels of the source", () => Key(options, Graph(told, channels: 2))),
            ("stored", () => Key(options, Graph(told, isStored: true))),
            ("channels", () => Key(options, Graph(told, made: 2))),
            ("outputs", () => Key(options, Graph(told, [2, 1]))),
            ("other outputs", () => Key(options, Graph(told, [1, 2]))),
            ("inputs", () => Key(options, Graph(told, reads: 0))),
            ("type of layer", () => Key(options, Graph(new OtherTold()))),
            ("pointwise", () => Key(options, Graph(new Told { Pointwise = true }))),
            ("fresh", () => Key(options, Graph(new Told { Fresh = true }))),
            ("learning", () => Key(options, Graph(new Told { Learning = true }))),
            ("work", () => Key(options, Graph(new Told { Work = 2 }))),
            ("kind", () => Key(options, Graph(new Told { Kind = WorkKind.GroupedConvolution }))),
            ("comparisons", () => Key(options, Graph(new Told { Compared = 2 }))),
            ("rows", () => Key(options, Graph(new Told { Rows = 3 }))),
            ("columns", () => Key(options, Graph(new Told { Columns = 3 }))),
            ("padded copy", () => Key(options, Graph(new Told { Padded = 1 }))),
            ("padded copy of all", () => Key(options, Graph(new Told { Padded = 20 * 30 }))),
            ("memory", () => Key(options, Graph(new Told { Memory = new(false, true) }))),
        ];

        Assert.Equal(keys.Length, keys.Select(key => key.Key()).Distinct().Count());
        Assert.Equal(keys.Select(key => key.Key()), keys.Select(key => key.Key()));

        static StageCost Stage(long bytes, bool keepsNothing, long? onTheWay) =>
            new(bytes, keepsNothing, onTheWay) { IsBoundary = [false], IsTapped = [false], IsOutput = [false] };

        static NetworkGraph Graph(
            Told layer, int[]? outputs = null, long channels = 1, bool isStored = false, long made = 1, int reads = 1) => new(
            [
                new(0, null, [], channels, "image") { IsStored = isStored },
                new(1, new Told(), [0], 1, "first"),
                new(2, layer, [reads, 1], made, "second"),
            ],
            outputs ?? [2]);

        static string Key(
            StreamingOptions options,
            NetworkGraph graph,
            (long, long)? size = null,
            bool wanted = false,
            long batch = 1,
            int elementSize = 4,
            bool isElsewhere = false,
            Passes passes = Passes.Both,
            StageCost? stage = null)
        {
            var trunk = new TrunkCost(graph, [wanted], batch, elementSize, new(), isElsewhere).For(passes);
            var (rows, columns) = AxisNetwork.Of(graph, [size ?? (20, 30)]);
            var key = new PlanKey(options, stage is null ? trunk : trunk.In(stage), rows, columns);
            Assert.True(key.IsWhole);
            return key.Text;
        }
    }

    /// <summary>The layout is not made again, but the layers are those of the network at hand.</summary>
    [Fact]
    public void The_same_network_traced_again_gets_the_same_tiles_over_its_own_layers()
    {
        using var scope = NewDisposeScope();
        using var trunk = Networks[0].Make();
        var memory = new PlanMemory();
        var first = Choose(memory, GraphBuilder.Trace(trunk, 3).Local, Options[0]);
        var graph = GraphBuilder.Trace(trunk, 3).Local;

        var second = Choose(memory, graph, Options[0]);

        Assert.Equal((1, 1), (memory.Planned, memory.LaidOut));
        Assert.Same(first.Grid.Rows, second.Grid.Rows);
        Assert.Same(graph, second.Grid.Graph);
    }

    /// <summary>Maps that users have written may rest on anything: their tiles are laid out each time.</summary>
    [Fact]
    public void Maps_of_users_are_remembered_by_samples_and_laid_out_anew()
    {
        using var scope = NewDisposeScope();
        var memory = new PlanMemory();
        for (var round = 0; round < 3; round++)
            Choose(memory, Own(3), Options[0]);
        Assert.Equal((1, 3), (memory.Planned, memory.LaidOut));

        Choose(memory, Own(5), Options[0]);

        Assert.Equal(2, memory.Planned);

        static NetworkGraph Own(int kernel)
        {
            var layer = new OwnLayer { Kernel = kernel };
            return new([new GraphNode(0, null, [], 3, "image"), new GraphNode(1, layer, [0], 3, "own")], [1]);
        }
    }

    /// <summary>Of all windows up to some size: those that are the same functions, and they alone, have the same text.</summary>
    [Fact]
    public void Maps_have_the_same_text_where_they_are_the_same_functions()
    {
        var maps =
            from length in new long[] { 5, 6 }
            from kernel in new long[] { 1, 2, 3 }
            from stride in new long[] { 1, 2, 3 }
            from dilation in new long[] { 1, 2 }
            from before in new long[] { -1, 0, 1 }
            from after in new long[] { 0, 1 }
            where length + before + after >= (dilation * (kernel - 1)) + 1
            select new SlidingWindow(length, kernel, stride, dilation, before, after);
        var functions = maps.GroupBy(Text).ToDictionary(group => group.Key, group => group.Select(Functions).Distinct().ToArray());

        Assert.All(functions.Values, same => Assert.Single(same));
        Assert.InRange(functions.Count, functions.Values.Select(same => same[0]).Distinct().Count(), 1000);
        Assert.InRange(functions.Values.Select(same => same[0]).Distinct().Count(), 100, 1000);
    }

    [Fact]
    public void Every_map_of_the_library_is_known_to_its_last_integer() => AxisMapCases.Any.Sample(
        @case => Assert.True(AxisMapText.Append(new StringBuilder(), @case.Map), @case.Name), iter: 500);

    private static string Text(AxisMap map)
    {
        var text = new StringBuilder();
        AxisMapText.Append(text, map);
        return text.ToString();
    }

    private static string Functions(AxisMap map) => string.Join(
        ' ',
        Enumerable.Range(-10, 30).Select(i => $"{map.VirtualCut(i)},{map.Required(i)}")
            .Concat(Enumerable.Range(0, (int)map.OutputLength).Select(i => $"{map.FirstNeeded(i)},{map.Span(i, i + 1)}"))
            .Append($"{map.InputLength},{map.OutputLength}"));

    private static StepPlan Choose(
        PlanMemory memory,
        NetworkGraph graph,
        StreamingOptions options,
        (long, long)? size = null,
        bool wanted = false,
        long batch = 1,
        int elementSize = 4,
        bool elsewhere = false) =>
        memory.Choose(graph, options, new TrunkCost(graph, [wanted], batch, elementSize, new ComputeRates(), elsewhere), size ?? (40, 60));

    private static TorchSharp.Modules.Sequential Network(Module<Tensor, Tensor> middle) =>
        Sequential(Conv2d(3, 8, 3, padding: 1), middle, Conv2d(8, 8, 3, stride: 2, padding: 1));

    private static Module<Tensor, Tensor> Frozen(Module<Tensor, Tensor> network)
    {
        foreach (var parameter in network.parameters())
            parameter.requires_grad = false;
        return network;
    }

    private sealed class OtherTold : Told;

    /// <summary>A layer that says of itself what it is told to.</summary>
    private class Told : LocalLayer
    {
        public bool Pointwise { get; init; }

        public bool Fresh { get; init; }

        public bool Learning { get; init; }

        public double Work { get; init; } = 1;

        public WorkKind Kind { get; init; }

        public double Compared { get; init; }

        public long Rows { get; init; } = 1;

        public long Columns { get; init; } = 1;

        public long Padded { get; init; }

        public LayerMemory Memory { get; init; } = new(true, true);

        public override bool IsPointwise => Pointwise;

        public override bool OutputIsFresh => Fresh;

        internal override bool Learns => Learning;

        internal override double WorkPerPosition => Work;

        internal override WorkKind WorkKind => Kind;

        internal override double ComparisonsPerPosition => Compared;

        public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

        public override AxisMap Along(Axis axis, long length)
        {
            var kernel = axis == Axis.Rows ? Rows : Columns;
            return new SlidingWindow(length, kernel, 1, 1, kernel / 2, kernel / 2);
        }

        internal override long PaddedPositions(in Patch patch) => Padded == 0 ? 0 : Padded + patch.Output.Area;

        internal override LayerMemory MemoryOf(in Patch patch) => Memory;

        public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => throw new NotSupportedException();

        public override Tensor Whole(IReadOnlyList<Tensor> inputs) => throw new NotSupportedException();
    }

    private sealed class OwnLayer : LocalLayer
    {
        public required int Kernel { get; init; }

        public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

        public override AxisMap Along(Axis axis, long length) => new OwnMap(length, Kernel);

        public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => throw new NotSupportedException();

        public override Tensor Whole(IReadOnlyList<Tensor> inputs) => throw new NotSupportedException();
    }

    /// <summary>A window without padding that is told by a function, into which nobody can see.</summary>
    private sealed class OwnMap(long length, int kernel) : AxisMap(length, length - kernel + 1)
    {
        private readonly Func<long, long> last = output => output + kernel - 1;

        public override long VirtualCut(long input) => input - kernel + 1;

        public override long Required(long output) => last(output - 1) + 1;

        public override AxisSpan Span(long first, long end) => new(first, last(end - 1) + 1, 0, 0);

        protected override long FirstNeededBefore(long output) => Math.Max(0, output);
    }
}
