using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A block of a Neighbourhood Attention Transformer with the original's parameter names: neighbourhood attention, and a linear layer to
/// some times the channels and one back at each pixel, each behind a layer norm over channels and added to its input.
/// </summary>
internal sealed class NatBlock : StreamingBlock
{
    private readonly ChannelLayerNorm norm1;
    private readonly NeighbourhoodAttention attn;
    private readonly ChannelLayerNorm norm2;
    private readonly Sequential mlp;

    [ComponentName(Name = "drop_path")]
    private readonly StochasticDepth dropPath;

    /// <param name="channels">Channels C.</param>
    /// <param name="heads">Heads of the attention.</param>
    /// <param name="window">Height and width of its neighbourhoods.</param>
    /// <param name="expansion">By what the channels are multiplied between the linear layers.</param>
    /// <param name="dropProbability">Probability that training drops the attention, and that it drops the linear layers.</param>
    public NatBlock(long channels, long heads, long window, long expansion, double dropProbability)
        : base(nameof(NatBlock))
    {
        norm1 = new ChannelLayerNorm(channels, NatTrunk.Eps);
        attn = new NeighbourhoodAttention(channels, heads, window);
        norm2 = new ChannelLayerNorm(channels, NatTrunk.Eps);
        mlp = Sequential(
            ("fc1", Linear(channels, expansion * channels)),
            ("act", GELU()),
            ("fc2", Linear(expansion * channels, channels)));
        dropPath = new StochasticDepth(dropProbability);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var attended = input + input.Through(norm1).Through(attn).Through(dropPath);
        return attended + attended.Through(norm2).Through(mlp).Through(dropPath);
    }
}
