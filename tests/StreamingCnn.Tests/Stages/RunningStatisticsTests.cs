using StreamingCnn.Tests.Surface;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>Running statistics follow once in each forward pass that succeeds, as PyTorch's do on the whole image.</summary>
public sealed class RunningStatisticsTests
{
    private const double Tolerance = 1e-12;

    private static readonly StreamingOptions Tiles = new() { Tile = (7, 9) };

    [Fact]
    public void A_norm_that_is_used_twice_follows_twice_in_the_order_of_the_network()
    {
        manual_seed(1);
        var (name, error) = GlobalStep.Worst(() => new Twice().@double(), rand(2, 3, 22, 25, ScalarType.Float64), Tiles);
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1.0)]
    [InlineData(null)]
    public void Several_passes_with_or_without_gradients_follow_one_by_one(double? momentum)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var (whole, streamed) = (Make(), Make());
        using var streaming = new StreamingModule(streamed, Tiles);
        for (var pass = 0; pass < 4; pass++)
        {
            using var image = rand(1 + (pass % 2), 3, 15 + pass, 18, ScalarType.Float64) + pass;
            using var grad = pass == 1 ? no_grad() : enable_grad();
            whole.forward(image);
            streaming.forward(image);
            AssertSame(whole, streamed);
        }

        Assert.Equal(4, streamed.num_batches_tracked!.to(ScalarType.Int64).item<long>());
        // In evaluation mode they are used, and stay.
        whole.eval();
        streamed.eval();
        using var last = rand(1, 3, 20, 20, ScalarType.Float64);
        using var difference = (whole.forward(last) - streaming.forward(last)).abs().max();
        Assert.True(difference.item<double>() < Tolerance);
        AssertSame(whole, streamed);

        BatchNorm2d Make()
        {
            var norm = (BatchNorm2d)BatchNorm2d(3).@double();
            norm.momentum = momentum;
            return norm;
        }
    }

    [Fact]
    public void Two_forward_passes_may_come_before_their_backward_passes()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var make = () => new NormedBlock(() => BatchNorm2d(NormedBlock.Channels)).@double();
        var (whole, streamed) = (make(), make());
        streamed.load_state_dict(whole.state_dict());
        using var first = rand(1, 3, 20, 24, ScalarType.Float64);
        using var second = rand(2, 3, 17, 13, ScalarType.Float64) * 2;
        Both(whole);
        Both(new StreamingModule(streamed, Tiles));

        AssertSame(whole, streamed);
        foreach (var ((name, found), (_, right)) in streamed.named_parameters().Zip(whole.named_parameters()))
            Assert.True(((found.grad! - right.grad!).abs().max() / right.grad!.abs().max()).item<double>() < Tolerance, name);

        void Both(Module<Tensor, Tensor> module)
        {
            var outputs = new[] { first, second }.Select(image => module.forward(image).square().sum()).ToArray();
            foreach (var output in outputs)
                output.backward();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void They_stay_when_the_image_cannot_be_read(int reads)
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var block = new NormedBlock(() => BatchNorm2d(NormedBlock.Channels));
        using var streaming = new StreamingModule(block, Tiles);
        using var source = new MemorySource(rand(1, 3, 20, 24)) { ReadsUntilFailure = reads };
        Assert.Throws<IOException>(() => streaming.forward(source));
        AssertSame(new NormedBlock(() => BatchNorm2d(NormedBlock.Channels)), block);
    }

    [Fact]
    public void They_stay_when_a_pass_fails_in_any_stage_to_the_last_tile()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var block = new NormedBlock(() => BatchNorm2d(NormedBlock.Channels));
        using var image = rand(1, 3, 20, 24);
        var tiles = new Interrupting { Left = int.MaxValue };
        using var streaming = new StreamingModule(block, Tiles with { Progress = tiles });
        using (no_grad())
            streaming.forward(image);
        var before = block.named_buffers().Select(named => named.buffer.clone()).ToArray();
        foreach (var tile in new[] { 0, tiles.Told / 2, tiles.Told - 1 })
        {
            tiles.Left = tile;
            Assert.Throws<TimeoutException>(() => streaming.forward(image));
            Assert.All(block.named_buffers().Zip(before), pair => Assert.True(pair.First.buffer.Equals(pair.Second), pair.First.name));
        }
    }

    [Fact]
    public void Parameters_of_another_type_than_the_maps_get_gradients_of_their_own()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var (norm, convolution) = (BatchNorm2d(4), Conv2d(3, 4, 3, bias: false));
        norm.to(ScalarType.Float64);
        using var streaming = new StreamingModule(Sequential(convolution, norm, ReLU()), Tiles);
        using var image = rand(2, 3, 20, 17);
        using var output = streaming.forward(image);
        output.sum().backward();

        using var exact = convolution.forward(image).to(ScalarType.Float64);
        using var mean = exact.mean([0, 2, 3]);
        Assert.Equal(ScalarType.Float32, output.dtype);
        Assert.Equal(ScalarType.Float64, norm.weight.grad!.dtype);
        Assert.True(((norm.running_mean! / 0.1) - mean).abs().max().item<double>() < 1e-6);
    }

    private static void AssertSame(Module expected, Module actual)
    {
        foreach (var ((name, right), (_, found)) in expected.named_buffers().Zip(actual.named_buffers()))
        {
            var difference = (right.to(ScalarType.Float64) - found.to(ScalarType.Float64)).abs().max().item<double>();
            Assert.True(
                difference < Tolerance * Math.Max(1, right.abs().max().to(ScalarType.Float64).item<double>()),
                $"{name}: {difference}");
        }
    }

    /// <summary>Ends a pass after some tiles.</summary>
    private sealed class Interrupting : IProgress<TileProgress>
    {
        public int Told { get; private set; }

        public int Left { get; set; }

        public void Report(TileProgress value)
        {
            Told++;
            if (Left-- == 0)
                throw new TimeoutException();
        }
    }

    /// <summary>One norm behind a convolution of the image and behind one of what comes out, of which the second sees less.</summary>
    private sealed class Twice : StreamingBlock
    {
        private readonly Conv2d first = Conv2d(3, 4, 3, bias: false);
        private readonly Conv2d second = Conv2d(4, 4, 3, stride: 2, bias: false);
        private readonly BatchNorm2d norm = BatchNorm2d(4, momentum: 0.4);

        public Twice()
            : base(nameof(Twice)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Through(first).Through(norm).Through(second).Through(norm);
    }
}
