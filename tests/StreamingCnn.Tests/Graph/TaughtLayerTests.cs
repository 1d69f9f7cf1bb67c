using System.Diagnostics;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

/// <summary>Layers that users teach are tried at their first use: what they say of themselves must be what they do.</summary>
public class TaughtLayerTests
{
    // Each fault is another kind of layer to the engine, so that each is tried.
    private static readonly IReadOnlyList<Tensor> Elsewhere = [ones(1, requires_grad: true).DetachFromDisposeScope()];

    private static readonly Dictionary<string, (Func<Blur, LocalLayer> Describe, string Sentence)> Faults = new()
    {
        ["virtual cut one too far"] = (
            blur => new Custom(blur) { On = window => new Off(window) { Cut = 1 } },
            "says that VirtualCut(1) is 1 along rows of a map of height 16; it should be at most 0, since output 0 reads input 1"),
        ["virtual cut far too far"] = (
            blur => new Custom(blur) { On = window => new Off(window) { Cut = 40 } }, "says that VirtualCut(0) is 39 along rows"),
        ["required not the inverse"] = (
            blur => new Custom(blur) { On = window => new Off(window) { Requires = 1 } },
            "says that Required(-8) is -6 along rows of a map of height 16; it should be -7, the smallest cut"),
        ["first needed one too late"] = (
            blur => new Custom(blur) { On = window => new Off(window) { Needs = 1 } },
            "says that FirstNeeded(1) is 1 along rows of a map of height 16; it should be at most 0, which output 1 reads"),
        ["span one too short"] = (
            blur => new Custom(blur) { On = window => new Off(window) { End = -1 } },
            "says that Span(0, 1) is [0, 1) along rows of a map of height 16; it should be [0, 2), since [0, 2) is read"),
        ["span begins one too late"] = (
            blur => new Custom(blur) { On = window => new Off(window) { Start = 1 } },
            "says that Span(1, 2) is [1, 3) along rows of a map of height 16; it should be [0, 3), since [0, 3) is read"),
        ["output length one too long"] = (
            blur => new Custom(blur) { On = window => new Off(window, 1) },
            "says that OutputLength is 17 along rows of a map of height 16; it should be 16"),
        ["no padding"] = (
            blur => new WindowLayer(blur, blur.Valid) { Kernel = (3, 3) },
            "says that OutputLength is 14 along rows of a map of height 16; it should be 16"),
        ["columns alone"] = (
            blur => new WindowLayer(blur, blur.Valid) { Kernel = (3, 3), Padding = (1, 0) },
            "says that OutputLength is 11 along columns of a map of width 13; it should be 13"),
        ["kernel too small"] = (
            blur => new WindowLayer(blur, window => functional.pad(blur.Valid(window), [0, 0, 0, 0])) { Kernel = (1, 1) },
            "says that VirtualCut(1) is 1 along rows"),
        ["stride"] = (
            blur => new WindowLayer(blur, blur.Valid) { Kernel = (3, 3), Padding = (1, 1), Stride = (2, 2) },
            "says that OutputLength is 8 along rows of a map of height 16; it should be 16"),
        ["padding value"] = (
            blur => new WindowLayer(blur, blur.Valid) { Kernel = (3, 3), Padding = (1, 1), PaddingValue = 1 },
            "and padding with other values than the whole map has"),
        ["channels"] = (
            blur => new WindowLayer(blur, blur.Valid) { Kernel = (3, 3), Padding = (1, 1), Channels = 2 },
            "says that OutputChannels of 4 is 2; it should be 4"),
        ["one channel for all"] = (
            blur => new WindowLayer(blur, window => blur.Valid(window).narrow(1, 0, 1)) { Kernel = (3, 3), Padding = (1, 1) },
            "it should be [2, 4, 16, 13]"),
        ["mean of the window"] = (
            blur => new WindowLayer(blur, window => blur.Valid(window) + (window.mean() * 0.01)) { Kernel = (3, 3), Padding = (1, 1) },
            "with other values than the whole map has"),
        ["place in the window"] = (
            blur => new WindowLayer(blur, window => blur.Valid(window) * arange(1, window.shape[3] - 1))
            {
                Kernel = (3, 3),
                Padding = (1, 1),
            },
            "other values than the whole map has"),
        ["beyond the window"] = (
            blur => new Custom(blur) { On = window => new Off(window), Calculate = (window, patch) => blur.Looking(window, patch) },
            "with other values than the whole map has"),
        ["numbers drawn"] = (
            blur => new WindowLayer(blur, window => blur.Valid(window) + rand(1)) { Kernel = (3, 3), Padding = (1, 1) }, "other values"),
        ["changes from call to call"] = (
            blur => new WindowLayer(blur, window => blur.Valid(window) * (blur.Calls++ % 7)) { Kernel = (3, 3), Padding = (1, 1) },
            "other values"),
        ["works in place"] = (
            blur => new Custom(blur) { On = window => new Off(window), Calculate = (window, patch) => blur.Spoiling(window, patch) },
            "changes the window that it is given"),
        ["gradient cut off"] = (
            blur => new WindowLayer(blur, window => blur.Valid(window.detach())) { Kernel = (3, 3), Padding = (1, 1) },
            "gives another gradient of its input"),
        ["gradient doubled"] = (
            blur => new WindowLayer(blur, window => (2 * blur.Valid(window)) - blur.Valid(window.detach()))
            {
                Kernel = (3, 3),
                Padding = (1, 1),
            },
            "gives another gradient of its input"),
        ["weights cut off"] = (
            blur => new WindowLayer(blur, window => blur.Valid(window) / blur.Weight * blur.Weight.detach())
            {
                Kernel = (3, 3),
                Padding = (1, 1),
            },
            "gives another gradient of a parameter of the shape [1]"),
        ["learns beside its parameters"] = (
            blur => new WindowLayer(blur, Times(blur, ones(1, requires_grad: true))) { Kernel = (3, 3), Padding = (1, 1) },
            "computes with a tensor that requires a gradient and is none of its Parameters"),
        ["learns elsewhere"] = (
            blur => new WindowLayer(blur, window => blur.Valid(window) * Elsewhere[0]) { Kernel = (3, 3), Padding = (1, 1) },
            "computes with a tensor that requires a gradient and is none of its Parameters"),
        ["pointwise"] = (blur => new Custom(blur) { On = window => new Off(window), Pointwise = true }, "says that it is pointwise"),
        ["always fails"] = (
            blur => new WindowLayer(blur, _ => throw new InvalidOperationException("No disk.")) { Kernel = (3, 3), Padding = (1, 1) },
            "fails on a map of 16 x 13 positions, which its integers accept: No disk"),
    };

    private static Func<Tensor, Tensor> Times(Blur blur, Tensor other) => window => blur.Valid(window) * other;

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_layer_that_says_other_than_it_does_is_refused_with_what_is_off(string name)
    {
        using var scope = NewDisposeScope();
        var (describe, sentence) = Faults[name];
        LayerRegistry.Register<Blur>(blur => describe(blur));
        using var trunk = Sequential(("first", Conv2d(3, 4, 3, padding: 1)), ("own", new Blur { Kind = name }));
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16), ChannelsLast = false });

        foreach (var attempt in new Action[] { () => streaming.forward(randn(1, 3, 40, 40)), () => streaming.Plan(40, 40) })
        {
            var refused = Assert.Throws<UnsupportedLayerException>(attempt);
            Assert.Equal("own", refused.Path);
            Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        }
    }

    public static TheoryData<string> GoodNames => [.. Descriptions.Keys];

    private static readonly Dictionary<string, Func<Good, LocalLayer>> Descriptions = new()
    {
        ["window"] = good =>
            new WindowLayer(good, window => functional.avg_pool2d(window, 3, 2)) { Kernel = (3, 3), Stride = (2, 2), Padding = (1, 1) },
        ["dilated maximum"] = good => new WindowLayer(good, window => functional.max_pool2d(window, 3, 2, 0, 2))
        {
            Kernel = (3, 3),
            Stride = (2, 2),
            Dilation = (2, 2),
            PaddingValue = double.NegativeInfinity,
            Padding = (1, 1),
        },
        ["weights"] = good => new WindowLayer(good, window => functional.conv2d(window, good.Kernel)) { Kernel = (5, 5), Channels = 6 },
        ["pixel by pixel"] = good => new PointwiseLayer(good),
        ["logarithm"] = good => new PointwiseLayer(good),
        ["normalised over channels"] = good => new PointwiseLayer(good),
        ["pixels shuffled"] = good => new StreamingCnn.Graph.Layers.PixelShuffleLayer(PixelShuffle(2)),
        ["stride of 16"] = good =>
            new WindowLayer(good, window => functional.avg_pool2d(window, 16, 16)) { Kernel = (16, 16), Stride = (16, 16) },
        ["large kernel"] = good => new WindowLayer(good, window => functional.avg_pool2d(window, 35, 1)) { Kernel = (35, 35) },
        ["box by running sums"] = good => new WindowLayer(good, Boxes) { Kernel = (5, 5) },
        ["batch norm of its own"] = good => new PointwiseLayer(good),
    };

    private static Func<Tensor, Tensor> Forward(string kind, Good good) => kind switch
    {
        "window" => map => functional.avg_pool2d(map, 3, 2, 1),
        "dilated maximum" => map => functional.max_pool2d(map, 3, 2, 1, 2),
        "weights" => map => functional.conv2d(map, good.Kernel),
        "pixel by pixel" => map => map / (1 + map.abs()),
        "logarithm" => map => map.log(),
        "normalised over channels" => map => map / map.square().sum(1, keepdim: true).sqrt(),
        "pixels shuffled" => map => functional.pixel_shuffle(map, 2),
        "stride of 16" => map => functional.avg_pool2d(map, 16, 16),
        "large kernel" => map => functional.avg_pool2d(map, 35, 1),
        "box by running sums" => Boxes,
        _ => good.Norm.call,
    };

    [Theory]
    [MemberData(nameof(GoodNames))]
    public void A_layer_that_is_what_it_says_is_used(string kind)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float32 })
        {
            using var scope = NewDisposeScope();
            manual_seed(5);
            LayerRegistry.Register<Good>(good => Descriptions[good.Kind](good));
            using var own = new Good(kind);
            own.Norm.running_mean!.normal_();
            using var trunk = Sequential(("first", Conv2d(3, 4, 3, padding: 1)), ("own", own)).to(type);
            trunk.eval();
            using var streaming = new StreamingModule(trunk, new() { Tile = (50, 60) });
            var image = randn(1, 3, 112, 128, type);

            var clock = Stopwatch.StartNew();
            var output = streaming.forward(image);
            TestContext.Current.SendDiagnosticMessage($"{kind} in {type}: {clock.ElapsedMilliseconds} ms");

            var whole = trunk.forward(image);
            Assert.True(
                Compare.RelativeError(Finite(output.detach()), Finite(whole.detach())) < (type == ScalarType.Float64 ? 1e-11 : 1e-4));
            Assert.Equal(0, own.Norm.num_batches_tracked!.item<long>());

            // In float32 rounding takes numbers to the other side of 0, where there is no logarithm.
            Tensor Finite(Tensor map) => kind == "logarithm" && type == ScalarType.Float32
                ? map.nan_to_num(-7, 0, -7).clamp(min: -7)
                : map.nan_to_num(0, 0, 0);
        }
    }

    [Fact]
    public void The_trial_leaves_the_user_s_random_numbers_alone()
    {
        LayerRegistry.Register<Steady>(steady => new WindowLayer(steady, steady.Valid) { Kernel = (3, 3), Padding = (1, 1) });
        using var trunk = Sequential(new Steady());
        using var streaming = new StreamingModule(trunk, new() { Tile = (64, 64) });
        using var image = randn(1, 1, 40, 40);
        manual_seed(9);
        using var expected = rand(5);
        manual_seed(9);

        streaming.forward(image);

        using var found = rand(5);
        Assert.True(Compare.AreEqual(found, expected));
    }

    [Fact]
    public void A_layer_with_other_settings_is_tried_anew()
    {
        LayerRegistry.Register<Sized>(sized => new WindowLayer(sized, sized.Valid) { Kernel = (3, 3), Padding = (1, 1) });
        using var image = randn(1, 1, 30, 30);
        using (var right = new StreamingModule(new Sized(3), new() { Tile = (16, 16) }))
            right.forward(image);

        using var wrong = new StreamingModule(new Sized(5), new() { Tile = (16, 16) });
        Assert.Contains(
            "VirtualCut", Assert.Throws<UnsupportedLayerException>(() => wrong.forward(image)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_learn_at_every_moment_of_a_trial()
    {
        LayerRegistry.Register<Watching>(layer => new WindowLayer(layer, layer.Valid) { Kernel = (3, 3), Padding = (1, 1) });
        var watching = new Watching();
        using var streaming = new StreamingModule(watching, new() { Tile = (16, 16) });

        streaming.forward(randn(1, 1, 30, 30)).sum().backward();

        Assert.InRange(watching.Seen.Count, 20, int.MaxValue);
        Assert.All(watching.Seen, Assert.True);
    }

    private static Tensor Boxes(Tensor map)
    {
        return Along(Along(map, 2), 3);

        static Tensor Along(Tensor map, long dimension)
        {
            var sums = functional.pad(map, dimension == 2 ? [0, 0, 1, 0] : [1, 0, 0, 0]).cumsum(dimension);
            var count = sums.shape[dimension] - 5;
            return sums.narrow(dimension, 5, count) - sums.narrow(dimension, 0, count);
        }
    }

    /// <summary>A 3x3 average with a weight.</summary>
    private sealed class Blur : Module<Tensor, Tensor>
    {
        public Blur()
            : base(nameof(Blur)) => RegisterComponents();

        public string Kind { get; init; } = "";

        public long Calls { get; set; }

        public Parameter Weight { get; } = Parameter(ones(1) * 1.5f);

        public Tensor Valid(Tensor window) => functional.avg_pool2d(window, 3, 1) * Weight;

        public override Tensor forward(Tensor input) => Valid(functional.pad(input, [1, 1, 1, 1]));

        public Tensor Looking(Tensor window, Patch patch)
        {
            // One row above the window, which happens to lie before it in memory.
            using var above = window.as_strided([1], [1], Math.Max(0, window.storage_offset() - 1));
            return Run(window, patch) + (above.sum() * 1e-2);
        }

        public Tensor Spoiling(Tensor window, Patch patch)
        {
            var output = Run(window, patch);
            if (!window.requires_grad)
                window.add_(1);
            return output;
        }

        public Tensor Run(Tensor window, Patch patch) => Valid(functional.pad(
            window, [patch.Columns.Span.Before, patch.Columns.Span.After, patch.Rows.Span.Before, patch.Rows.Span.After]));
    }

    /// <summary>Notes with every call whether its weight learns.</summary>
    private sealed class Watching : Module<Tensor, Tensor>
    {
        private readonly Parameter weight = Parameter(ones(1) * 1.5f);

        public Watching()
            : base(nameof(Watching)) => RegisterComponents();

        public List<bool> Seen { get; } = [];

        public Tensor Valid(Tensor window)
        {
            Seen.Add(weight.requires_grad);
            return functional.avg_pool2d(window, 3, 1) * weight;
        }

        public override Tensor forward(Tensor input) => Valid(functional.pad(input, [1, 1, 1, 1]));
    }

    private sealed class Good : Module<Tensor, Tensor>
    {
        private readonly BatchNorm2d norm = BatchNorm2d(4);

        public Good(string kind)
            : base(nameof(Good))
        {
            Kind = kind;
            RegisterComponents();
        }

        public string Kind { get; }

        public BatchNorm2d Norm => norm;

        public Parameter Kernel { get; } = Parameter(randn(6, 4, 5, 5));

        public override Tensor forward(Tensor input) => Forward(Kind, this)(input);
    }

    /// <summary>Draws numbers on small maps alone, as those of the trial are.</summary>
    private sealed class Steady() : Module<Tensor, Tensor>(nameof(Steady))
    {
        public Tensor Valid(Tensor window) => functional.avg_pool2d(window.shape[3] < 40 ? window + (0 * rand(1)) : window, 3, 1);

        public override Tensor forward(Tensor input) => functional.avg_pool2d(input, 3, 1, 1);
    }

    private sealed class Sized(int size) : Module<Tensor, Tensor>(nameof(Sized))
    {
        public Tensor Valid(Tensor window) => functional.avg_pool2d(window, size, 1);

        public override Tensor forward(Tensor input) => functional.avg_pool2d(input, size, 1, size / 2);
    }

    /// <summary>The average's integers, or others.</summary>
    private sealed class Custom(Blur blur) : LocalLayer
    {
        public required Func<SlidingWindow, AxisMap> On { get; init; }

        public Func<Tensor, Patch, Tensor> Calculate { get; init; } = blur.Run;

        public bool Pointwise { get; init; }

        public override Module Module => blur;

        public override bool IsPointwise => Pointwise;

        public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

        public override AxisMap Along(Axis axis, long length) => On(new SlidingWindow(length, 3, before: 1, after: 1));

        public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Calculate(inputs[0], patch);

        public override Tensor Whole(IReadOnlyList<Tensor> inputs) => blur.call(inputs[0]);
    }

    /// <summary>A window's integers, each off by some number.</summary>
    private sealed class Off(SlidingWindow window, long longer = 0) : AxisMap(window.InputLength, window.OutputLength + longer)
    {
        public long Cut { get; init; }

        public long Requires { get; init; }

        public long Needs { get; init; }

        public long Start { get; init; }

        public long End { get; init; }

        public override long VirtualCut(long input) => window.VirtualCut(input) + Cut;

        public override long Required(long output) => window.Required(output - Cut) + Requires;

        public override AxisSpan Span(long first, long end)
        {
            var span = window.Span(first, Math.Min(end, window.OutputLength));
            return span with { Start = span.Start + (first > 0 ? Start : 0), End = span.End + End };
        }

        protected override long FirstNeededBefore(long output) =>
            Math.Min(InputLength, window.FirstNeeded(output) + (output > 0 ? Needs : 0));
    }
}
