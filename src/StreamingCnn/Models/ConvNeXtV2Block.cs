using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A block of ConvNeXt V2 with timm's parameter names: a depthwise 7x7 convolution, layer norm over channels, a layer at each pixel to four
/// times the channels and one back, with global response normalisation between them; added to its input.
/// </summary>
internal sealed class ConvNeXtV2Block : StreamingBlock
{
    private const long Expansion = 4;

    [ComponentName(Name = "conv_dw")]
    private readonly Conv2d depthwise;
    private readonly ChannelLayerNorm norm;
    private readonly Sequential mlp;

    [ComponentName(Name = "drop_path")]
    private readonly StochasticDepth? stochasticDepth;

    /// <param name="channels">Channels C.</param>
    /// <param name="isConvolution">Whether the layers at each pixel are 1x1 convolutions, [4 C, C, 1, 1], and not linear, [4 C, C].</param>
    /// <param name="dropProbability">Probability that training drops the block.</param>
    public ConvNeXtV2Block(long channels, bool isConvolution, double dropProbability)
        : base(nameof(ConvNeXtV2Block))
    {
        depthwise = Conv2d(channels, channels, 7, padding: 3, groups: channels);
        norm = new ChannelLayerNorm(channels);
        mlp = Sequential(
            ("fc1", AtEachPixel(channels, Expansion * channels)),
            ("act", GELU()),
            ("grn", new GlobalResponseNorm(Expansion * channels)),
            ("fc2", AtEachPixel(Expansion * channels, channels)));
        if (dropProbability > 0)
            stochasticDepth = new StochasticDepth(dropProbability);
        RegisterComponents();

        Module<Tensor, Tensor> AtEachPixel(long from, long to) => isConvolution ? Conv2d(from, to, 1) : Linear(from, to);
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var branch = input.Through(depthwise).Through(norm).Through(mlp);
        return (stochasticDepth is null ? branch : branch.Through(stochasticDepth)) + input;
    }
}
