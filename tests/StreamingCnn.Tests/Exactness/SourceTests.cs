using CsCheck;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// Networks with several inputs of different sizes give the outputs and gradients of the whole inputs, at random sizes and tiles.
/// </summary>
public class SourceTests
{
    private const double Tolerance = 1e-11;

    private static readonly Gen<Case> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[5, 60], Gen.Int[5, 60], Gen.Int[2, 40], Gen.Int[2, 40], Gen.Int[1, 2],
        (seed, height, width, tileHeight, tileWidth, batch) => new Case(seed, height, width, (tileHeight, tileWidth), batch));

    [Fact]
    public void Inputs_of_different_sizes_equal_the_whole_ones() => AnyCase.Sample(
        c => Check(c, new() { Tile = c.Tile, ChannelsLast = c.Seed % 2 == 0 }), iter: 25, threads: 1);

    [Fact]
    public void So_they_do_whatever_is_kept_and_however_late_maps_advance() => AnyCase.Sample(
        c => Check(c, new() { Tile = c.Tile, LateMaps = [(2, 2), (4, 2 + (c.Seed % 3))], MemoryBudget = 1 + (c.Seed % 300_000) }),
        iter: 25,
        threads: 1);

    [Fact]
    public void Overlapping_tiles_of_them_equal_the_whole_ones() => AnyCase.Sample(
        c => Check(c, new() { Tile = c.Tile, Mode = StreamingMode.Overlap }), iter: 10, threads: 1);

    [Fact]
    public void Inputs_that_are_read_window_by_window_equal_those_in_memory() => AnyCase.Sample(
        c =>
        {
            using var scope = NewDisposeScope();
            using var network = new Fusion(c.Seed);
            var inputs = network.Draw(c with { Batch = 1 });
            using var streaming = new StreamingNetwork(network, new() { Tile = c.Tile });

            var expected = Step(streaming.forward(inputs), network);
            var actual = Step(streaming.forward([.. inputs.Select(input => new MemorySource(input.detach()))]), network);

            foreach (var (value, reference) in actual.Zip(expected))
                Assert.True(Compare.AreEqual(value, reference));
        },
        iter: 10,
        threads: 1);

    [Fact]
    public void An_input_that_nobody_reads_gets_no_gradient_and_one_that_is_an_output_gets_the_output_s()
    {
        using var scope = NewDisposeScope();
        using var network = new Unread();
        using var streaming = new StreamingNetwork(network, new() { Tile = (7, 9) });
        Tensor[] inputs = [randn(1, 2, 20, 30), randn(1, 1, 44, 50), randn(1, 2, 13, 8)];
        foreach (var input in inputs)
            input.requires_grad_(true);

        var outputs = streaming.forward(inputs);
        outputs[1].square().sum().backward();

        Assert.True(Compare.AreEqual(outputs[1].detach(), inputs[2].detach()));
        Assert.Null(inputs[0].grad);
        Assert.Null(inputs[1].grad);
        Assert.True(Compare.AreEqual(inputs[2].grad!, inputs[2].detach() * 2));
    }

    private static void Check(Case c, StreamingOptions options)
    {
        using var scope = NewDisposeScope();
        using var network = new Fusion(c.Seed);
        var inputs = network.Draw(c);
        using var streaming = new StreamingNetwork(network, options);

        var expected = Step(network.forward(inputs), network, inputs);
        var actual = Step(streaming.forward(inputs), network, inputs);

        Assert.Equal(expected.Length, actual.Length);
        foreach (var ((value, reference), index) in actual.Zip(expected).Select((pair, index) => (pair, index)))
        {
            var error = Compare.RelativeError(value, reference);
            Assert.True(error < Tolerance, $"{c}: value {index} differs by {error:e2}");
        }
    }

    /// <summary>The outputs, and the gradients of inputs and parameters of a loss that weighs all outputs.</summary>
    private static Tensor[] Step(Tensor[] outputs, Fusion network, params Tensor[] inputs)
    {
        var loss = outputs.Select((output, index) => (output.square() * (index + 1)).sum()).Aggregate((a, b) => a + b);
        loss.backward();
        Tensor[] leaves = [.. inputs, .. network.parameters()];
        Tensor[] results = [.. outputs.Select(output => output.detach()), .. leaves.Select(leaf => leaf.grad!)];
        foreach (var leaf in leaves)
            leaf.grad = null;
        return results;
    }

    private sealed record Case(int Seed, int Height, int Width, (int, int) Tile, int Batch);

    /// <summary>
    /// Two images of one size, one of which is fused early; a mask at a quarter of the size, convolved before it weights the features; a
    /// coarser one that joins further down; and one that meets the others nowhere.
    /// </summary>
    private sealed class Fusion : MultiInputBlock
    {
        private readonly Conv2d first = Conv2d(3, 4, 3, stride: 2, padding: 1);
        private readonly Conv2d second = Conv2d(2, 4, 5, stride: 2, padding: 2);
        private readonly Conv2d middle = Conv2d(4, 4, 3, padding: 1);
        private readonly Conv2d down = Conv2d(4, 4, 3, stride: 2, padding: 1);
        private readonly Conv2d mask = Conv2d(1, 4, 3, padding: 1);
        private readonly Conv2d coarse = Conv2d(2, 4, 3, padding: 1);
        private readonly Conv2d last = Conv2d(8, 3, 3, padding: 1);
        private readonly Conv2d apart = Conv2d(1, 2, 3, padding: 1);
        private readonly int deep;

        public Fusion(int seed)
            : base(nameof(Fusion), inputs: 5)
        {
            deep = 1 + (seed % 4);
            RegisterComponents();
            manual_seed(seed);
            this.to(ScalarType.Float64);
        }

        /// <summary>Inputs whose maps agree where they are joined.</summary>
        public Tensor[] Draw(Case c)
        {
            manual_seed(c.Seed);
            var (height, width) = (Half(Half(c.Height)), Half(Half(c.Width)));
            return
            [
                Input(3, c.Height, c.Width),
                Input(2, c.Height, c.Width),
                Input(1, height, width),
                Input(2, Half(height), Half(width)),
                Input(1, 1 + (c.Seed % 50), 1 + (c.Seed / 50 % 50)),
            ];

            Tensor Input(long channels, long rows, long columns) =>
                randn(c.Batch, channels, rows, columns, dtype: ScalarType.Float64).requires_grad_(true);

            static long Half(long length) => (length + 1) / 2;
        }

        public override IReadOnlyList<FeatureMap> Trace(IReadOnlyList<FeatureMap> inputs)
        {
            var fused = inputs[0].Through(first) + inputs[1].Through(second);
            for (var i = 0; i < deep; i++)
                fused += fused.Through(middle).Through(Tanh());
            var features = fused.Through(down).Through(middle);
            var weighted = features * inputs[2].Through(mask);

            var context = inputs[3].Through(coarse);
            var joined = FeatureMap.Concat(weighted.Through(down), context).Through(last);
            return [joined, weighted, inputs[4].Through(apart).Through(Tanh())];
        }
    }

    /// <summary>Reads the first input, leaves the second, and gives the third as it is.</summary>
    private sealed class Unread : MultiInputBlock
    {
        private readonly Conv2d conv = Conv2d(2, 1, 3);

        public Unread()
            : base(nameof(Unread), inputs: 3) => RegisterComponents();

        public override IReadOnlyList<FeatureMap> Trace(IReadOnlyList<FeatureMap> inputs) => [inputs[0].Through(conv), inputs[2]];
    }
}
