using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>A trunk and a dense head as one network, from an image to the scores of its pixels. Both stay the caller's.</summary>
internal sealed class TrunkWithDenseHead : StreamingBlock
{
    private readonly Module<Tensor, Tensor> trunk;
    private readonly DenseHead head;

    /// <summary>Joins a trunk and a head.</summary>
    public TrunkWithDenseHead(Module<Tensor, Tensor> trunk, DenseHead head)
        : base(nameof(TrunkWithDenseHead))
    {
        (this.trunk, this.head) = (trunk, head);
        TrunkWithHead.Register(this, trunk, head);
    }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(trunk).Through(head);
    }

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
