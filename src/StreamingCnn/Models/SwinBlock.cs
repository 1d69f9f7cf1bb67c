using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A block of the Swin Transformer with torchvision's parameter names: attention in windows, and a linear layer to four times the channels
/// and one back at each pixel, each behind a layer norm over channels and added to its input.
/// </summary>
internal sealed class SwinBlock : StreamingBlock
{
    private const long Expansion = 4;

    private readonly ChannelLayerNorm norm1;
    private readonly WindowAttention attn;
    private readonly ChannelLayerNorm norm2;
    private readonly Sequential mlp;

    [ComponentName(Name = "stochastic_depth")]
    private readonly StochasticDepth stochasticDepth;

    /// <param name="channels">Channels C.</param>
    /// <param name="heads">Heads of the attention.</param>
    /// <param name="window">Height and width of its windows.</param>
    /// <param name="shift">By how much they are shifted.</param>
    /// <param name="dropProbability">Probability that training drops the attention, and that it drops the linear layers.</param>
    public SwinBlock(long channels, long heads, long window, long shift, double dropProbability)
        : base(nameof(SwinBlock))
    {
        norm1 = new ChannelLayerNorm(channels, SwinTrunk.Eps);
        attn = new WindowAttention(channels, heads, window, shift);
        norm2 = new ChannelLayerNorm(channels, SwinTrunk.Eps);
        // Number 2 is torchvision's dropout, with probability 0.
        mlp = Sequential(
            ("0", Linear(channels, Expansion * channels)),
            ("1", GELU()),
            ("3", Linear(Expansion * channels, channels)));
        stochasticDepth = new StochasticDepth(dropProbability);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var attended = input.Through(norm1).Through(attn).Through(stochasticDepth) + input;
        return attended.Through(norm2).Through(mlp).Through(stochasticDepth) + attended;
    }
}
