using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// Networks with which earlier streaming systems raise errors or are silently wrong: exact here, at tiles and image sizes of no particular
/// alignment. Those that are not local are in RefusedLayerTests.
/// </summary>
public class KnownFailuresTests
{
    public static TheoryData<string> Cases => [.. Trunks.Keys];

    private static readonly Dictionary<string, Func<Module<Tensor, Tensor>>> Trunks = new()
    {
        ["convolutions of 1 to 7"] = () => Sequential(
            Conv2d(3, 4, 1),
            Conv2d(4, 4, 7, padding: 3),
            Conv2d(4, 4, 4, stride: 2, padding: 1),
            Conv2d(4, 4, 2),
            Conv2d(4, 4, 3, stride: 2, padding: 1),
            Conv2d(4, 4, 6, padding: 3),
            Conv2d(4, 4, 5)),
        ["stride beyond the kernel"] = () => Sequential(Conv2d(3, 4, 2, stride: 3), Conv2d(4, 4, 3, padding: 1)),
        ["patch stem"] = () => Sequential(Conv2d(3, 4, 4, stride: 4), Conv2d(4, 4, 3, padding: 1)),
        ["groups and depthwise"] = () => Sequential(Conv2d(3, 6, 3, padding: 1, groups: 3), Conv2d(6, 6, 5, padding: 2, groups: 6)),
        ["asymmetric padding"] = () => Sequential(Conv2d(3, 4, (5, 3), padding: (2, 1)), Conv2d(4, 4, (3, 3), padding: (2, 1))),
        ["average pooling"] = () => Sequential(Conv2d(3, 4, 3, padding: 1), AvgPool2d(3, 2, 1), Conv2d(4, 4, 3), AvgPool2d(2)),
        ["max pooling"] = () =>
            Sequential(Conv2d(3, 4, 3, padding: 1), MaxPool2d(2), Conv2d(4, 4, 3), MaxPool2d(3, 2, 1), Conv2d(4, 4, 3), MaxPool2d([2, 3])),
        ["ResNet's stem"] = () => Sequential(
            Conv2d(3, 4, 7, stride: 2, padding: 3, bias: false), BatchNorm2d(4), ReLU(), MaxPool2d(3, 2, 1), Conv2d(4, 4, 3, padding: 1)),
        ["max pooling in ceil mode"] = () => Sequential(Conv2d(3, 4, 3, padding: 1), MaxPool2d(3, 2, 1, ceil_mode: true), Conv2d(4, 4, 3)),
        ["max pooling with stride 1"] = () => Sequential(Conv2d(3, 4, 3, padding: 1), MaxPool2d(3, 1, 1), Conv2d(4, 4, 3)),
        ["max pooling with dilation and uneven padding"] = () =>
            Sequential(Conv2d(3, 4, 3), MaxPool2d([3, 2], [2, 1], [1, 0], [2, 1]), Conv2d(4, 4, 3)),
        ["dilation"] = () => Sequential(Conv2d(3, 4, 3, dilation: 2, padding: 2), Conv2d(4, 4, 3, dilation: 2)),
        ["kernels of one row or column"] = () => Sequential(
            Conv2d(3, 4, (1, 7), padding: (0, 3)), Conv2d(4, 4, (7, 1), padding: (3, 0)), Conv2d(4, 4, (1, 11), padding: (0, 5))),
        ["padding same"] = () =>
            Sequential(Conv2d(3, 4, 4, padding: TorchSharp.Padding.Same), Conv2d(4, 4, (3, 6), padding: TorchSharp.Padding.Same)),
        ["padding mode reflect"] = () =>
            Sequential(Conv2d(3, 4, 5, padding: 2, padding_mode: PaddingModes.Reflect), ReflectionPad2d((1, 2, 3, 0)), Conv2d(4, 4, 3)),
        ["transposed convolution"] = () =>
            Sequential(Conv2d(3, 4, 3, stride: 2), ConvTranspose2d(4, 4, 2, stride: 2), Conv2d(4, 4, 3, padding: 1)),
        ["pixel unshuffle"] = () => Sequential(PixelUnshuffle(2), Conv2d(12, 4, 3, padding: 1), PixelShuffle(2)),
        ["one convolution twice"] = () => new Twice(),
        ["PReLU"] = () => Sequential(Conv2d(3, 4, 3, padding: 1), PReLU(4), Conv2d(4, 4, 3, padding: 1), PReLU(1)),
        ["trainable batch norm in evaluation mode"] = () =>
            Sequential(Conv2d(3, 4, 3, padding: 1), BatchNorm2d(4), ReLU(), Conv2d(4, 4, 3, padding: 1), BatchNorm2d(4)),
        ["ReLU6"] = () => Sequential(Conv2d(3, 4, 3, padding: 1), ReLU6(), Conv2d(4, 4, 3, padding: 1), ReLU6(inplace: true)),
        ["activations, and dropout in evaluation mode"] = () => Sequential(
            Conv2d(3, 4, 3, padding: 1),
            GELU(),
            Conv2d(4, 4, 3),
            LeakyReLU(0.1),
            Dropout(0.5),
            Conv2d(4, 4, 3),
            Sigmoid(),
            Dropout2d(0.5),
            Conv2d(4, 4, 3),
            Hardswish()),
        ["residual additions and dense concatenations"] = () => new ResidualAndDense(),
        ["layer norm, linear and layer scale"] = () => new ConvNextBlock(),
        ["encoder and decoder"] = () => new EncoderDecoder(),
    };

    // Of no alignment, the image's own size, larger than the image on one side, and on both.
    private static readonly (int, int)[] Tiles = [(32, 32), (21, 50), (106, 74), (40, 100), (128, 128)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void What_failed_elsewhere_is_exact_here(string name)
    {
        manual_seed(4);
        using var scope = NewDisposeScope();
        using var trunk = Trunks[name]().to(ScalarType.Float64);
        trunk.eval();
        EqualsWhole(trunk, (106, 74), Tiles);
        // Tiles smaller than what a gradient reaches, of which an image has many.
        EqualsWhole(trunk, (54, 38), [(5, 7)]);
    }

    private static void EqualsWhole(Module<Tensor, Tensor> trunk, (int Height, int Width) size, IEnumerable<(int, int)> tiles)
    {
        trunk.zero_grad();
        var image = randn(2, 3, size.Height, size.Width, dtype: ScalarType.Float64).requires_grad_(true);
        var expected = trunk.forward(image);
        var gradient = randn_like(expected);
        expected.backward([gradient]);
        var (gradients, ofImage) = (trunk.parameters().Select(p => p.grad!.clone()).ToArray(), image.grad!.clone());

        foreach (var mode in new[] { StreamingMode.ExactlyOnce, StreamingMode.Overlap })
        {
            foreach (var tile in tiles)
            {
                trunk.zero_grad();
                image.grad = null;
                using var streaming = new StreamingModule(trunk, new() { Tile = tile, Mode = mode });
                var actual = streaming.forward(image);
                actual.backward([gradient]);

                Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < 1e-12);
                Assert.True(Compare.RelativeError(image.grad!, ofImage) < 1e-12);
                foreach (var (parameter, reference) in trunk.parameters().Zip(gradients))
                    Assert.True(Compare.RelativeError(parameter.grad!, reference) < 1e-12);
            }
        }
    }

    [Fact]
    public void A_layer_that_is_called_as_a_function_is_exact_on_overlapping_tiles_and_refused_otherwise()
    {
        manual_seed(4);
        using var scope = NewDisposeScope();
        using var trunk = new FunctionalPooling().to(ScalarType.Float64);
        var image = randn(1, 3, 106, 74, dtype: ScalarType.Float64);
        var expected = trunk.forward(image);
        using var overlapping = new StreamingModule(trunk, new() { Tile = (32, 20), Mode = StreamingMode.Overlap });
        using var exactlyOnce = new StreamingModule(trunk, new() { Tile = (32, 20) });

        Assert.True(Compare.RelativeError(overlapping.forward(image).detach(), expected.detach()) < 1e-12);
        Assert.StartsWith(
            "Layer 'FunctionalPooling' (FunctionalPooling) is not known to the engine",
            Assert.Throws<UnsupportedLayerException>(() => exactlyOnce.forward(image)).Message,
            StringComparison.Ordinal);
    }

    private sealed class FunctionalPooling : Module<Tensor, Tensor>
    {
        private readonly Conv2d first = Conv2d(3, 4, 3, padding: 1);
        private readonly Conv2d second = Conv2d(4, 4, 3, padding: 1);

        public FunctionalPooling()
            : base(nameof(FunctionalPooling)) => RegisterComponents();

        public override Tensor forward(Tensor input) => second.forward(functional.max_pool2d(first.forward(input), 2));
    }

    private sealed class ResidualAndDense : StreamingBlock
    {
        private readonly Conv2d stem = Conv2d(3, 4, 3, padding: 1);
        private readonly Conv2d branch = Conv2d(4, 4, 3, padding: 1);
        private readonly Conv2d dense = Conv2d(4, 3, 3, padding: 1);
        private readonly Conv2d denser = Conv2d(7, 3, 3, padding: 1);

        public ResidualAndDense()
            : base(nameof(ResidualAndDense)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input)
        {
            var map = input.Through(stem);
            map = (map + map.Through(branch)).Through(ReLU());
            var wider = FeatureMap.Concat(map, map.Through(dense));
            return FeatureMap.Concat(wider, wider.Through(denser));
        }
    }

    private sealed class Twice : StreamingBlock
    {
        private readonly Conv2d stem = Conv2d(3, 4, 3, padding: 1);
        private readonly Conv2d shared = Conv2d(4, 4, 3, padding: 1);

        public Twice()
            : base(nameof(Twice)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Through(stem).Through(shared).Through(ReLU()).Through(shared);
    }

    private sealed class ConvNextBlock : StreamingBlock
    {
        private readonly Conv2d stem = Conv2d(3, 8, 4, stride: 4);
        private readonly Conv2d depthwise = Conv2d(8, 8, 7, padding: 3, groups: 8);
        private readonly LayerNorm norm = LayerNorm(8);
        private readonly ChannelLayerNorm stemNorm = new(8);
        private readonly Linear expand = Linear(8, 32);
        private readonly Linear contract = Linear(32, 8);
        private readonly ChannelScale scale = new(8, 0.5);

        public ConvNextBlock()
            : base(nameof(ConvNextBlock)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input)
        {
            var map = input.Through(stem).Through(stemNorm);
            return map + map.Through(depthwise).Through(norm).Through(expand).Through(GELU()).Through(contract).Through(scale);
        }
    }

    private sealed class EncoderDecoder : StreamingBlock
    {
        private readonly Conv2d fine = Conv2d(3, 4, 3, padding: 1);
        private readonly Conv2d coarse = Conv2d(4, 8, 3, stride: 2, padding: 1);
        private readonly Conv2d merge = Conv2d(12, 4, 3, padding: 1);

        public EncoderDecoder()
            : base(nameof(EncoderDecoder)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input)
        {
            var skip = input.Through(fine).Through(SiLU());
            var low = skip.Through(coarse).Through(GELU());
            return FeatureMap.Concat(skip, low.Through(Upsample(scale_factor: [2, 2]))).Through(merge) * skip;
        }
    }
}
