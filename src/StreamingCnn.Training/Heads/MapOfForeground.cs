using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// A network that gives something for each pixel of an image, within the foreground: from an image and a mask of its size. Elsewhere its
/// map is 0. The network stays the caller's.
/// </summary>
internal sealed class MapOfForeground : MultiInputBlock
{
    private readonly Module<Tensor, Tensor> network;

    /// <summary>Joins a network and a mask.</summary>
    /// <param name="network">The network.</param>
    public MapOfForeground(Module<Tensor, Tensor> network)
        : base(nameof(MapOfForeground), inputs: 2)
    {
        this.network = network;
        foreach (var (name, child) in network.named_children())
            register_module(name, child);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs) =>
        [inputs[0].Through(network).Within(inputs[1])];

    /// <summary>Lets go of nothing: the network belongs to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
