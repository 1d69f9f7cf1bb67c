using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>A trunk and a dense head as one network, from an image to the scores of its pixels. Both stay the caller's.</summary>
/// <remarks>
/// It is traced for an image of the size that the head was told. One of any size takes the image itself for that, and is what is written
/// for other programs.
/// </remarks>
internal sealed class TrunkWithDenseHead : StreamingBlock
{
    private readonly Module<Tensor, Tensor> trunk;
    private readonly DenseHead head;
    private readonly bool isOfAnySize;

    /// <summary>Joins a trunk and a head.</summary>
    public TrunkWithDenseHead(Module<Tensor, Tensor> trunk, DenseHead head, bool isOfAnySize = false)
        : base(nameof(TrunkWithDenseHead))
    {
        (this.trunk, this.head, this.isOfAnySize) = (trunk, head, isOfAnySize);
        TrunkWithHead.Register(this, trunk, head);
    }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var features = input.Through(trunk);
        return isOfAnySize ? head.Scores(features, input) : features.Through(head);
    }

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
