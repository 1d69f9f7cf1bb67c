using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

/// <summary>
/// Every option of every layer that is streamed, at another value than its default, against TorchSharp's own forward
/// and autograd: none may be passed over.
/// </summary>
public class LayerOptionTests
{
    private static readonly Dictionary<string, Func<Module<Tensor, Tensor>>> Layers = new()
    {
        ["Conv2d, all options"] = () => Conv2d(4, 6, (3, 5), (2, 3), (1, 4), (2, 1), PaddingModes.Zeros, groups: 2, bias: false),
        ["Conv2d, constant padding"] = () => Conv2d(4, 6, 3, padding: 1, padding_mode: PaddingModes.Constant),
        ["Conv2d, same, constant padding"] = () =>
            Conv2d(4, 6, 3, TorchSharp.Padding.Same, dilation: 2, padding_mode: PaddingModes.Constant),
        ["Conv2d, same, even kernel"] = () => Conv2d(4, 6, (2, 4), TorchSharp.Padding.Same),
        ["Conv2d, valid"] = () => Conv2d(4, 6, 3, TorchSharp.Padding.Valid, stride: 2),
        ["Conv2d, padding set later"] = () =>
        {
            var convolution = Conv2d(4, 6, 3, padding: 1);
            convolution.SetPadding([2, 0]);
            return convolution;
        },
        ["Conv2d, bias taken away"] = () =>
        {
            var convolution = Conv2d(4, 6, 3, padding: 1);
            convolution.bias = null;
            return convolution;
        },
        ["Conv2d, reflect"] = () => Conv2d(4, 6, 3, padding: 2, padding_mode: PaddingModes.Reflect),
        ["Conv2d, replicate"] = () => Conv2d(4, 6, (3, 1), (1, 2), (3, 2), padding_mode: PaddingModes.Replicate),
        ["ConvTranspose2d, all options"] = () => ConvTranspose2d(4, 6, (3, 4), (2, 3), (1, 2), (1, 1), (2, 1), groups: 2, bias: false),
        ["MaxPool2d, all options"] = () => MaxPool2d((3, 2), (2, 3), (1, 1), (2, 1), ceil_mode: true),
        ["MaxPool2d, arrays of one"] = () => MaxPool2d([3], [2], [1], [1], true),
        ["MaxPool2d, options set later"] = () =>
        {
            var pooling = MaxPool2d(2);
            (pooling.kernel_size, pooling.stride, pooling.padding) = ([3, 3], [2, 1], [1, 1]);
            (pooling.dilation, pooling.ceil_mode) = ([1, 2], true);
            return pooling;
        },
        ["AvgPool2d, all options"] = () => AvgPool2d((3, 4), (2, 3), (1, 2), ceil_mode: true, count_include_pad: false),
        ["AvgPool2d, counted"] = () => AvgPool2d((3, 4), (2, 3), (1, 2), ceil_mode: true, count_include_pad: true),
        ["AvgPool2d, divisor"] = () => AvgPool2d((3, 4), (2, 3), (1, 2), ceil_mode: true, count_include_pad: false, divisor_override: 7),
        ["AvgPool2d, arrays of one"] = () => AvgPool2d([3], [2], [1], true, false, 5),
        ["Upsample to a size"] = () => Upsample(size: [41, 37]),
        ["Upsample, recomputed factor"] = () =>
            Upsample(scale_factor: [2, 3], mode: UpsampleMode.Bilinear, align_corners: false, recompute_scale_factor: true),
        ["Upsample, given factor"] = () =>
            Upsample(scale_factor: [3, 2], mode: UpsampleMode.Bilinear, align_corners: true, recompute_scale_factor: false),
        ["Upsample, nearest, recomputed factor"] = () => Upsample(scale_factor: [3, 2], recompute_scale_factor: true),
        ["PixelShuffle"] = () => PixelShuffle(2),
        ["ZeroPad2d with a value"] = () =>
        {
            var pad = ZeroPad2d((1, 2, 3, 0));
            pad.value = 3;
            return pad;
        },
        ["ConstantPad2d"] = () => ConstantPad2d((1, -1, 2, 3), 0.7),
        ["ReflectionPad2d"] = () => ReflectionPad2d((3, 0, 1, 2)),
        ["ReplicationPad2d"] = () => ReplicationPad2d((3, 0, 1, 2)),
        ["ReLU"] = () => ReLU(true),
        ["ReLU6"] = () => ReLU6(true),
        ["LeakyReLU"] = () => LeakyReLU(0.3, true),
        ["ELU"] = () => ELU(0.4, true),
        ["CELU"] = () => CELU(0.4, true),
        ["SELU"] = () => SELU(true),
        ["GELU, tanh"] = () => GELU(TorchSharp.Modules.GELU.Approximate.tanh),
        ["GELU, tanh, in place"] = () => GELU(TorchSharp.Modules.GELU.Approximate.tanh, true),
        ["SiLU"] = () => SiLU(true),
        // In place, TorchSharp's own has no backward pass.
        ["Mish"] = () => Mish(),
        ["Hardtanh"] = () => Hardtanh(-0.3, 0.6, true),
        ["Hardswish"] = () => Hardswish(true),
        ["Hardsigmoid"] = () => Hardsigmoid(true),
        ["Sigmoid"] = () => Sigmoid(true),
        ["Tanh"] = () => Tanh(true),
        ["Softsign"] = () => Softsign(false),
        ["Threshold"] = () => Threshold(0.2, -0.4, true),
        ["RReLU"] = () => RReLU(0.2, 0.5),
        ["Softplus"] = () => Softplus(2, 0.5),
        ["Softshrink"] = () => Softshrink(0.2),
        ["Hardshrink"] = () => Hardshrink(0.2),
        ["Tanhshrink"] = () => Tanhshrink(false),
        ["LogSigmoid"] = () => LogSigmoid(),
        ["PReLU, one slope"] = () => PReLU(1, 0.3),
        ["PReLU, a slope for each channel"] = () => PReLU(4, 0.3),
        ["Softmax2d"] = () => Softmax2d(),
        ["Softmax"] = () => Softmax(-3),
        ["LogSoftmax"] = () => LogSoftmax(-3),
        ["GLU"] = () => GLU(-3),
        ["ChannelShuffle"] = () => ChannelShuffle(2),
        ["BatchNorm2d"] = () => Statistics(BatchNorm2d(4, eps: 0.3, momentum: 0.5)),
        ["BatchNorm2d, without weights"] = () => Statistics(BatchNorm2d(4, eps: 0.2, affine: false)),
        ["BatchNorm2d behind a convolution"] = () => Sequential(Conv2d(4, 4, 3), Statistics(BatchNorm2d(4, eps: 0.3))),
        ["Dropout, in place"] = () => Dropout(0.5, true),
        ["Dropout2d, in place"] = () => Dropout2d(0.5, true),
        ["Identity"] = () => Identity(),
        ["ChannelLayerNorm"] = () => new ChannelLayerNorm(4, 0.1),
        ["ChannelScale"] = () => new ChannelScale(4, 0.3),
    };

    public static TheoryData<string> Names => [.. Layers.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void No_option_is_passed_over(string name)
    {
        using var scope = NewDisposeScope();
        manual_seed(11);
        using var layer = Layers[name]();
        using var trunk = Sequential(("before", Conv2d(3, 4, 3)), ("layer", layer)).to(ScalarType.Float64);
        trunk.eval();
        var image = randn(2, 3, 29, 31, dtype: ScalarType.Float64).requires_grad_(true);
        var expected = trunk.forward(image);
        var weights = randn_like(expected);
        (expected * weights).sum().backward();
        var gradients = Gradients();

        using var streaming = new StreamingModule(trunk, new() { Tile = (7, 9) });
        var actual = streaming.forward(image);
        (actual * weights).sum().backward();

        Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < 1e-12);
        foreach (var (a, b) in Gradients().Zip(gradients))
            Assert.True(Compare.RelativeError(a, b, floor: 1e-6) < 1e-11);

        Tensor[] Gradients()
        {
            Tensor[] found = [image.grad!.clone(), .. trunk.parameters().Select(parameter => parameter.grad!.clone())];
            image.grad = null;
            trunk.zero_grad();
            return found;
        }
    }

    [Theory]
    [InlineData(PaddingModes.Constant)]
    [InlineData(PaddingModes.Replicate)]
    public void Padding_that_TorchSharp_applies_to_the_wrong_axes_is_refused(PaddingModes mode)
    {
        using var streaming = new StreamingModule(Sequential(Conv2d(3, 4, (3, 1), TorchSharp.Padding.Same, padding_mode: mode)));

        Assert.Contains(
            "applies to the wrong axes",
            Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(40, 40)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Dropout_in_place_in_a_block_changes_neither_the_map_nor_the_image()
    {
        using var block = new Kept();
        using var image = randn(1, 3, 20, 20);
        using var before = image.clone();

        using var output = block.forward(image);

        Assert.True(Compare.AreEqual(image, before));
        Assert.True(Compare.AreEqual(output, image + image));
    }

    private static BatchNorm2d Statistics(BatchNorm2d norm)
    {
        using var grad = no_grad();
        norm.running_mean!.normal_();
        norm.running_var!.uniform_(0.2, 2);
        norm.weight?.normal_();
        norm.bias?.normal_();
        return norm;
    }

    private sealed class Kept : StreamingBlock
    {
        private readonly Dropout dropout = Dropout(1, true);

        public Kept()
            : base(nameof(Kept)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input + input + input.Through(dropout);
    }
}
