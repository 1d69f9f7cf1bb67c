using StreamingCnn.Graph.Layers;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Precision;

/// <summary>
/// In float32 streamed convolutions are right for every number of channels, on processors too where the library's own are not.
/// </summary>
public class ConvolutionFaultTests
{
    private const double Rounding = 1e-5;

    [Theory]
    [InlineData(3, 12, 5, 1, PaddingModes.Zeros)]
    [InlineData(20, 20, 3, 1, PaddingModes.Zeros)]
    [InlineData(20, 20, 3, 1, PaddingModes.Reflect)]
    [InlineData(24, 24, 3, 1, PaddingModes.Zeros)]
    [InlineData(16, 100, 3, 1, PaddingModes.Replicate)]
    [InlineData(40, 72, 3, 2, PaddingModes.Zeros)]
    [InlineData(48, 16, 3, 2, PaddingModes.Zeros)]
    [InlineData(80, 8, 2, 2, PaddingModes.Zeros)]
    [InlineData(24, 64, 7, 2, PaddingModes.Zeros)]
    [InlineData(100, 3, 1, 1, PaddingModes.Zeros)]
    [InlineData(240, 40, 1, 1, PaddingModes.Zeros)]
    [InlineData(128, 512, 1, 1, PaddingModes.Zeros)]
    [InlineData(256, 512, 1, 2, PaddingModes.Zeros)]
    [InlineData(256, 1024, 1, 1, PaddingModes.Zeros)]
    public void A_streamed_convolution_equals_float64(int inputs, int outputs, int kernel, int stride, PaddingModes mode) => EqualsFloat64(
        () => Conv2d(inputs, outputs, kernel, stride: stride, padding: kernel / 2, padding_mode: mode), inputs);

    [Theory]
    [InlineData(3, 16, 5, 1)]
    [InlineData(8, 20, 3, 2)]
    [InlineData(32, 80, 3, 2)]
    [InlineData(20, 24, 3, 1)]
    [InlineData(48, 48, 2, 2)]
    public void So_does_a_transposed_one(int inputs, int outputs, int kernel, int stride) => EqualsFloat64(
        () => ConvTranspose2d(inputs, outputs, kernel, stride: stride, padding: kernel / 2), inputs);

    [Theory]
    [InlineData(20, 12, false)]
    [InlineData(3, 24, false)]
    [InlineData(48, 80, false)]
    [InlineData(3, 24, true)]
    [InlineData(40, 8, true)]
    public void Channels_of_zeros_change_nothing(int inputs, int outputs, bool transposed)
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        var blocks = new ChannelBlocks(inputs, outputs, transposed);
        var map = randn(2, inputs, 9, 8, dtype: ScalarType.Float64);
        var weight = randn(transposed ? [inputs, outputs, 3, 3] : [outputs, inputs, 3, 3], dtype: ScalarType.Float64);
        var bias = randn(outputs, dtype: ScalarType.Float64);

        var exact = Convolve(map, weight, bias);
        var filled = blocks.OwnOutputs(Convolve(blocks.Input(map), blocks.Weight(weight), blocks.Bias(bias)));

        Assert.True(blocks.Growth > 1);
        Assert.True(Compare.RelativeError(filled, exact) < 1e-14);
        Assert.True(blocks.OwnWeights(blocks.Weight(weight)).equal(weight).all().item<bool>());

        Tensor Convolve(Tensor map, Tensor weight, Tensor? bias) =>
            transposed ? functional.conv_transpose2d(map, weight, bias) : functional.conv2d(map, weight, bias);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(96)]
    public void Whole_blocks_are_left_alone(int channels) => Assert.Equal(1, new ChannelBlocks(channels, channels).Growth);

    private static void EqualsFloat64(Func<Module<Tensor, Tensor>> create, int channels)
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        using var layer = create();
        using var streaming = new StreamingModule(layer, new() { Tile = (33, 33) });
        // Faults come and go with the size of a map: tiles, what is left at the border, and the whole in one.
        using var whole = new StreamingModule(layer, new() { Tile = (256, 256) });
        var image = randn(1, channels, 70, 97);
        using var shape = no_grad();
        var gradient = randn(layer.forward(image).shape);
        shape.Dispose();

        var (tiled, single) = (Run(streaming), Run(whole));
        layer.to(ScalarType.Float64);
        var exact = Step(layer, image.to(ScalarType.Float64), gradient.to(ScalarType.Float64));

        Assert.All(tiled.Zip(exact), pair => Assert.InRange(Compare.RelativeError(pair.First, pair.Second), 0, Rounding));
        Assert.All(single.Zip(exact), pair => Assert.InRange(Compare.RelativeError(pair.First, pair.Second), 0, Rounding));

        Tensor[] Run(Module<Tensor, Tensor> module) => Step(module, image, gradient);
    }

    /// <summary>Output, gradient of the image, gradients of all parameters.</summary>
    private static Tensor[] Step(Module<Tensor, Tensor> module, Tensor image, Tensor gradient)
    {
        module.zero_grad();
        var leaf = image.clone().requires_grad_(true);
        var output = module.forward(leaf);
        output.backward([gradient]);
        return [output.detach(), leaf.grad!, .. module.parameters().Select(parameter => parameter.grad!.clone())];
    }
}
