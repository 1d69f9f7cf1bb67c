using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Cross-entropy of logits [N, C, H, W] and class indices [N, 1, H, W], as <c>torch.nn.functional.cross_entropy</c>: the mean is weighted
/// by the weights of the positions' classes, Σ w l / Σ w, over all images.
/// </summary>
/// <remarks>Images of which no position is left add nothing to a mean; a batch of which none is left is refused.</remarks>
public sealed class CrossEntropyMapLoss : MapLoss
{
    private readonly double[]? weights;
    private readonly long ignoreIndex;
    private readonly Reduction reduction;

    /// <summary>Creates the loss.</summary>
    /// <param name="weights">A weight of at least 0 for each class; null for 1.</param>
    /// <param name="ignoreIndex">The index of positions that do not count.</param>
    /// <param name="reduction">Mean or sum.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is another, or a weight is below 0.</exception>
    public CrossEntropyMapLoss(IReadOnlyList<double>? weights = null, long ignoreIndex = -100, Reduction reduction = Reduction.Mean)
        : base(nameof(CrossEntropyMapLoss))
    {
        (this.weights, this.ignoreIndex) = (LossTotals.Checked(weights, nameof(weights)), ignoreIndex);
        this.reduction = LossTotals.Checked(reduction);
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask = null)
    {
        var sums = new LossSums(nameof(CrossEntropyMapLoss), 2, Terms)
        {
            Values = TargetValues.Classes,
            Ignored = ignoreIndex,
            Classes = weights?.Length,
            IsMasked = mask is not null,
        };
        return sums.Of(output, target, mask, reduction);
    }

    private Tensor[] Terms(LossPositions positions)
    {
        var loss = positions.Output.log_softmax(1).gather(1, positions.Classes).neg();
        if (weights is null)
            return [positions.Counted(loss), positions.WeightOf(loss)];
        var weight = positions.Counted(positions.OfClass(weights));
        return [loss.mul(weight), weight];
    }
}
