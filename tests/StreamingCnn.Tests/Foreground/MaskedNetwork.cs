using StreamingCnn.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Foreground;

/// <summary>A network and a pooling of its map, of the positions that a second input says.</summary>
internal sealed class MaskedNetwork : MultiInputBlock
{
    private readonly Module<Tensor, Tensor> network;

    /// <summary>Joins both.</summary>
    public MaskedNetwork(Module<Tensor, Tensor> network, MapPooling pooling)
        : base(nameof(MaskedNetwork), inputs: 2)
    {
        (this.network, Pooling) = (network, pooling);
        RegisterComponents();
        register_module("pooling", pooling);
    }

    /// <summary>The pooling.</summary>
    public MapPooling Pooling { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs) =>
        [Pooling.Of(inputs[0].Through(network), inputs[1])];
}
