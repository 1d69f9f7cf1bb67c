using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// A trunk and what a head makes of the positions of its map that count: from an image and a mask of the map's size. All parts stay the
/// caller's.
/// </summary>
internal sealed class OfForeground : MultiInputBlock
{
    private readonly Module<Tensor, Tensor>? trunk;
    private readonly Func<FeatureMap, FeatureMap, IReadOnlyList<NetworkValue>> outputs;

    /// <summary>Joins a trunk and a head.</summary>
    /// <param name="trunk">The trunk; null for a map that is there already.</param>
    /// <param name="head">The head.</param>
    /// <param name="outputs">What it makes of the map and the mask.</param>
    public OfForeground(
        Module<Tensor, Tensor>? trunk, PoolingHead head, Func<FeatureMap, FeatureMap, IReadOnlyList<NetworkValue>> outputs)
        : base(nameof(OfForeground), inputs: 2)
    {
        (this.trunk, this.outputs) = (trunk, outputs);
        if (trunk is null)
            register_module(nameof(head), head);
        else
            TrunkWithHead.Register(this, trunk, head);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs) =>
        outputs(trunk is null ? inputs[0] : inputs[0].Through(trunk), inputs[1]);

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
