using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>Modules that the engine cannot see into, on overlapping tiles.</summary>
public class BlackBoxTests
{
    [Theory]
    [InlineData(64, 64)]
    [InlineData(37, 53)]
    [InlineData(16, 128)]
    [InlineData(9, 11)]
    [InlineData(500, 500)]
    public void A_module_with_its_own_forward_equals_the_whole_image(int tileHeight, int tileWidth)
    {
        manual_seed(2);
        using var scope = NewDisposeScope();
        using var module = (Module<Tensor, Tensor>)new Opaque(padded: true).to(ScalarType.Float64);
        foreach (var (height, width) in new[] { (61, 89), (64, 48), (33, 20) })
            Check(module, randn(2, 3, height, width, dtype: ScalarType.Float64), (tileHeight, tileWidth));
    }

    [Fact]
    public void A_module_without_padding_equals_the_whole_image()
    {
        using var scope = NewDisposeScope();
        using var module = (Module<Tensor, Tensor>)new Opaque(padded: false).to(ScalarType.Float64);
        foreach (var tile in new[] { (16, 24), (40, 7) })
            Check(module, randn(1, 3, 83, 97, dtype: ScalarType.Float64), tile);
    }

    [Fact]
    public void A_module_that_reads_everything_is_refused()
    {
        using var streaming = new StreamingModule(new SelfNormalising(), new() { Tile = (32, 32), Mode = StreamingMode.Overlap });
        var failure = Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 64, 64)));
        Assert.Equal(
            "The trunk (SelfNormalising) is not local: its outputs read more than 4096 pixels; it cannot be run on overlapping tiles.",
            failure.Message);
    }

    [Fact]
    public void Batch_norm_in_training_mode_is_refused_by_path()
    {
        using var module = new Opaque(padded: true) { };
        module.train();
        using var streaming = new StreamingModule(module, new() { Tile = (32, 32), Mode = StreamingMode.Overlap });
        Assert.Contains(
            "Layer 'norm' (BatchNorm2d) is in training mode",
            Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 64, 64))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_that_draw_random_numbers_are_refused_by_path_until_they_evaluate()
    {
        Module<Tensor, Tensor>[] layers =
            [Dropout(0.1), Dropout2d(0.1), AlphaDropout(0.1), FeatureAlphaDropout(0.1), new StochasticDepth(0.1), RReLU()];
        foreach (var layer in layers)
        {
            using var module = new Drawing(layer);
            using var streaming = new StreamingModule(module, new() { Tile = (32, 32), Mode = StreamingMode.Overlap });
            var failure = Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 64, 64)));
            Assert.Contains(
                $"Layer 'layer' ({layer.GetType().Name}) draws random numbers inside a module that the engine cannot see into",
                failure.Message,
                StringComparison.Ordinal);

            module.eval();
            using var map = streaming.forward(randn(1, 3, 64, 64));
            Assert.Equal([1, 3, 64, 64], map.shape);
        }
    }

    private static void Check(Module<Tensor, Tensor> module, Tensor image, (int, int) tile)
    {
        module.eval();
        module.zero_grad();
        image.requires_grad_(true);
        var expected = module.forward(image);
        var gradient = randn_like(expected);
        expected.backward([gradient]);
        var (gradients, ofImage) = (module.parameters().Select(p => p.grad!.clone()).ToArray(), image.grad!.clone());
        module.zero_grad();
        image.grad = null;

        using var streaming = new StreamingModule(module, new() { Tile = tile, Mode = StreamingMode.Overlap });
        var actual = streaming.forward(image);
        actual.backward([gradient]);

        Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < 1e-12);
        Assert.True(Compare.RelativeError(image.grad!, ofImage) < 1e-12);
        foreach (var (parameter, reference) in module.parameters().Zip(gradients))
            Assert.True(Compare.RelativeError(parameter.grad!, reference) < 1e-12);
    }

    /// <summary>A layer that the engine knows inside a module that it does not.</summary>
    private sealed class Drawing : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> layer;

        public Drawing(Module<Tensor, Tensor> layer)
            : base(nameof(Drawing))
        {
            this.layer = layer;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => layer.call(input * 2);
    }

    /// <summary>A network written as plain code, as anybody's would be.</summary>
    private sealed class Opaque : Module<Tensor, Tensor>
    {
        private readonly Conv2d first;
        private readonly Conv2d second;
        private readonly Conv2d third;
        private readonly BatchNorm2d norm = BatchNorm2d(6);
        private readonly long padding;

        public Opaque(bool padded)
            : base(nameof(Opaque))
        {
            padding = padded ? 1 : 0;
            first = Conv2d(3, 6, 5, stride: 2, padding: 2 * padding);
            second = Conv2d(6, 6, 3, padding: padding);
            third = Conv2d(6, 4, 3, stride: 2, padding: padding);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var map = functional.max_pool2d(norm.forward(first.forward(input)).relu(), 3, 2, padding);
            map = second.forward(map).tanh();
            return third.forward(map * map.sigmoid()).MoveToOuterDisposeScope();
        }
    }

    private sealed class SelfNormalising() : Module<Tensor, Tensor>(nameof(SelfNormalising))
    {
        public override Tensor forward(Tensor input) => input - input.mean();
    }
}
