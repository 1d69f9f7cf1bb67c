using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Binary cross-entropy of logits [N, C, H, W] and probabilities from 0 to 1, often 0 or 1, of the same shape, as
/// <c>torch.nn.functional.binary_cross_entropy_with_logits</c>: the mean over all positions and channels.
/// </summary>
public sealed class BinaryCrossEntropyMapLoss : MapLoss
{
    private readonly double[]? positiveWeights;
    private readonly long? ignoreIndex;
    private readonly Reduction reduction;

    /// <summary>Creates the loss.</summary>
    /// <param name="positiveWeights">With what a target of 1 counts, for each channel; null for 1.</param>
    /// <param name="ignoreIndex">The target of positions and channels that do not count; null where all do.</param>
    /// <param name="reduction">Mean or sum.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is another, or a weight is below 0.</exception>
    public BinaryCrossEntropyMapLoss(
        IReadOnlyList<double>? positiveWeights = null, long? ignoreIndex = null, Reduction reduction = Reduction.Mean)
        : base(nameof(BinaryCrossEntropyMapLoss))
    {
        this.positiveWeights = LossTotals.Checked(positiveWeights, nameof(positiveWeights));
        this.ignoreIndex = ignoreIndex;
        this.reduction = LossTotals.Checked(reduction);
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask = null)
    {
        var sums = new LossSums(nameof(BinaryCrossEntropyMapLoss), 2, Terms)
        {
            Values = TargetValues.Probabilities,
            Ignored = ignoreIndex,
            Classes = positiveWeights?.Length,
            IsMasked = mask is not null,
        };
        return sums.Of(output, target, mask, reduction);
    }

    private Tensor[] Terms(LossPositions positions)
    {
        var (output, target) = (positions.Output, positions.Target);
        var positive = positiveWeights is null ? null : tensor(positiveWeights, output.dtype, output.device).reshape(-1, 1, 1);
        var loss = functional.binary_cross_entropy_with_logits(output, target, reduction: Reduction.None, pos_weights: positive);
        return [positions.Counted(loss), positions.WeightOf(loss)];
    }
}
