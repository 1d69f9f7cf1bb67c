using StreamingCnn.Graph;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>A module is what its very type says; what derives from a type that the engine knows may compute anything.</summary>
public class ExactTypeTests
{
    private const string Cure =
        "; derive it from StreamingBlock, teach it with LayerRegistry.Register, set StreamingOptions.Mode to Overlap, "
        + "or move it to the head, behind the streamed trunk.";

    [Fact]
    public void A_class_derived_from_Sequential_is_no_Sequential()
    {
        using var trunk = Sequential(("conv", Conv2d(3, 4, 3)), ("halved", new Halved(Conv2d(4, 4, 3))));
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });

        Assert.Equal(
            "Layer 'halved' (Halved) is a Sequential of a type of its own, whose forward may do anything" + Cure,
            Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 40, 40))).Message);
    }

    [Fact]
    public void Nor_is_it_in_a_block_on_a_whole_image()
    {
        using var block = new Around(new Halved(Conv2d(3, 3, 3, padding: 1)));

        Assert.Equal("inner", Assert.Throws<UnsupportedLayerException>(() => block.forward(randn(1, 3, 20, 20))).Path);
    }

    [Fact]
    public void Nor_as_the_trunk_itself()
    {
        using var streaming = new StreamingModule(new Halved(Conv2d(3, 3, 3)), new() { Tile = (16, 16) });

        Assert.StartsWith(
            "Layer 'Halved' (Halved) is a Sequential of a type",
            Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(64, 64)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void It_can_be_run_as_it_is_in_overlapping_tiles()
    {
        manual_seed(1);
        using var trunk = Sequential(new Halved(Conv2d(3, 4, 3, padding: 1))).to(ScalarType.Float64);
        using var image = randn(1, 3, 70, 80, dtype: ScalarType.Float64);
        using var streaming = new StreamingModule(trunk, new() { Mode = StreamingMode.Overlap, Tile = (32, 32) });

        Assert.True(Compare.RelativeError(streaming.forward(image).detach(), trunk.forward(image).detach()) < 1e-12);
    }

    [Fact]
    public void A_type_that_was_taught_is_what_it_was_taught_to_be_whatever_it_derives_from()
    {
        LayerRegistry.Register<Doubled>(layer => new PointwiseLayer(layer));
        using var trunk = Sequential(Conv2d(3, 4, 3), new Doubled());
        using var image = randn(1, 3, 40, 40);
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });

        Assert.True(Compare.RelativeError(streaming.forward(image).detach(), trunk.forward(image).detach()) < 1e-5);
    }

    [Fact]
    public void A_Sequential_of_modules_with_several_arguments_is_refused()
    {
        using var trunk = Sequential(Conv2d(3, 3, 1)).append("two", new TwoFaced());
        using var streaming = new StreamingModule(trunk);

        Assert.Contains(
            "is no module from a tensor to a tensor",
            Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(40, 40)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_added_to_a_Sequential_later_are_seen_and_one_may_stand_twice()
    {
        manual_seed(2);
        using var image = randn(1, 3, 40, 50, dtype: ScalarType.Float64);
        var relu = ReLU();
        using var trunk = Sequential(Conv2d(3, 4, 3), relu, Conv2d(4, 4, 3, padding: 1), relu);
        using var streaming = new StreamingModule(trunk.to(ScalarType.Float64), new() { Tile = (16, 16) });
        streaming.forward(image);

        trunk.append("late", Conv2d(4, 2, 3, stride: 2).to(ScalarType.Float64));

        Assert.True(Compare.RelativeError(streaming.forward(image).detach(), trunk.forward(image).detach()) < 1e-12);
    }

    [Fact]
    public void A_linear_layer_in_a_block_in_a_Sequential_acts_at_each_pixel()
    {
        manual_seed(3);
        using var trunk = Sequential(Conv2d(3, 4, 3), new Around(Linear(4, 5))).to(ScalarType.Float64);
        using var image = randn(1, 3, 30, 34, dtype: ScalarType.Float64);
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });

        Assert.True(Compare.RelativeError(streaming.forward(image).detach(), trunk.forward(image).detach()) < 1e-12);
    }

    [Fact]
    public void A_block_that_gives_a_map_of_another_trace_is_refused()
    {
        using var block = new Forgetful();
        block.forward(randn(1, 3, 20, 20));

        Assert.Contains(
            "gives a map of another network in Trace",
            Assert.Throws<UnsupportedLayerException>(() => block.forward(randn(1, 3, 20, 20))).Message,
            StringComparison.Ordinal);
        using var streaming = new StreamingModule(Sequential(("block", block)));
        Assert.Equal("block", Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(20, 20)).Path);
    }

    [Fact]
    public void Weights_of_another_shape_than_their_layer_s_settings_are_refused()
    {
        Module<Tensor, Tensor>[] layers =
        [
            Wider(Conv2d(3, 4, 3, padding: 1)), Wider(ConvTranspose2d(3, 4, 3, padding: 1)), new Around(Wider(Linear(3, 3))),
        ];
        foreach (var layer in layers)
        {
            using var streaming = new StreamingModule(Sequential(layer), new() { Tile = (16, 16) });
            Assert.Contains(
                "has weights of the shape [",
                Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 40, 40))).Message,
                StringComparison.Ordinal);
        }

        static Module<Tensor, Tensor> Wider(Module<Tensor, Tensor> layer)
        {
            switch (layer)
            {
                case Convolution convolution:
                    convolution.weight = Parameter(randn([.. convolution.weight.shape[..2], 5, 5]));
                    break;
                case Linear linear:
                    linear.weight = Parameter(randn(1, 3));
                    linear.bias = null;
                    break;
            }

            return layer;
        }
    }

    /// <summary>The engine recognises them by pattern, which is exact as long as nothing derives from them.</summary>
    [Theory]
    [InlineData(typeof(BatchNorm2d))]
    [InlineData(typeof(Linear))]
    [InlineData(typeof(LayerNorm))]
    [InlineData(typeof(TorchSharp.Modules.Identity))]
    [InlineData(typeof(Dropout))]
    [InlineData(typeof(Dropout2d))]
    [InlineData(typeof(StochasticDepth))]
    [InlineData(typeof(RReLU))]
    [InlineData(typeof(Upsample))]
    [InlineData(typeof(Conv2d))]
    [InlineData(typeof(ConvTranspose2d))]
    public void A_type_recognised_by_pattern_is_sealed(Type type) => Assert.True(type.IsSealed);

    private sealed class Halved(Module<Tensor, Tensor> inner) : Sequential(("conv", inner))
    {
        public override Tensor forward(Tensor input) => base.forward(input) * 0.5;
    }

    private sealed class Doubled() : Sequential(("relu", ReLU()))
    {
        public override Tensor forward(Tensor input) => base.forward(input) * 2;
    }

    private sealed class TwoFaced() : Module<Tensor, Tensor, Tensor>(nameof(TwoFaced)), IModule<Tensor, Tensor>
    {
        public override Tensor forward(Tensor a, Tensor b) => a + b;

        public Tensor call(Tensor input) => input.neg();
    }

    private sealed class Around : StreamingBlock
    {
        private readonly Module<Tensor, Tensor> inner;

        public Around(Module<Tensor, Tensor> inner)
            : base(nameof(Around))
        {
            this.inner = inner;
            RegisterComponents();
        }

        public override FeatureMap Trace(FeatureMap input) => input.Through(inner);
    }

    private sealed class Forgetful() : StreamingBlock(nameof(Forgetful))
    {
        private readonly ReLU relu = ReLU();
        private FeatureMap? first;

        public override FeatureMap Trace(FeatureMap input) => first ??= input.Through(relu);
    }
}
