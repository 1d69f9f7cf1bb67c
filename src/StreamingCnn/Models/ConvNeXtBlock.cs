using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A block of ConvNeXt with torchvision's parameter names: a depthwise 7x7 convolution, layer norm over channels, a linear layer to four
/// times the channels and one back, at each pixel, and a factor for each channel (LayerScale); added to its input.
/// </summary>
internal sealed class ConvNeXtBlock : StreamingBlock
{
    private const long Expansion = 4;
    private const double InitialScale = 1e-6;

    [ComponentName(Name = "layer_scale")]
    private readonly Parameter layerScale;
    private readonly Sequential block;

    [ComponentName(Name = "stochastic_depth")]
    private readonly StochasticDepth stochasticDepth;

    /// <param name="channels">Channels C; the layer scale is [C, 1, 1].</param>
    /// <param name="dropProbability">Probability that training drops the block.</param>
    public ConvNeXtBlock(long channels, double dropProbability)
        : base(nameof(ConvNeXtBlock))
    {
        layerScale = Parameter(empty(channels, 1, 1).Filled(InitialScale));
        // Numbers 1 and 6 are torchvision's permutations to channels last and back, which layers at each pixel do not need.
        block = Sequential(
            ("0", Conv2d(channels, channels, 7, padding: 3, groups: channels)),
            ("2", new ChannelLayerNorm(channels)),
            ("3", Linear(channels, Expansion * channels)),
            ("4", GELU()),
            ("5", Linear(Expansion * channels, channels)));
        stochasticDepth = new StochasticDepth(dropProbability);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var branch = input.Through(block);
        return input.Builder.Add(new ChannelFactorLayer(layerScale), [branch]).Through(stochasticDepth) + input;
    }
}
