using StreamingCnn.Models;
using StreamingCnn.Reductions;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// A network that gives something for each pixel of an image, with what judges it in the same sweep: from an image and what is true of its
/// pixels to losses and sums, without the network's map ever being held whole. All parts stay the caller's.
/// </summary>
internal sealed class JudgedMap : MultiInputBlock
{
    private readonly Module<Tensor, Tensor> network;
    private readonly IReadOnlyList<MapLoss> losses;
    private readonly MapReduction sums;

    /// <summary>Joins a network and what judges it.</summary>
    /// <param name="network">The network.</param>
    /// <param name="sums">What metrics are made of, of the network's map and what is true.</param>
    /// <param name="losses">The losses.</param>
    public JudgedMap(Module<Tensor, Tensor> network, MapReduction sums, IReadOnlyList<MapLoss> losses)
        : base(nameof(JudgedMap), inputs: 2)
    {
        (this.network, this.sums, this.losses) = (network, sums, losses);
        foreach (var (name, child) in network.named_children())
            register_module(name, child);
    }

    /// <summary>Gives the losses, and the results of the sums.</summary>
    public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs)
    {
        var map = inputs[0].Through(network);
        return [.. losses.Select(loss => loss.Of(map, inputs[1])), .. map.Reduce(sums, inputs[1])];
    }

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
