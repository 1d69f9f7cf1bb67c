using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Focal loss (Lin and others, arXiv 1708.02002) of logits [N, C, H, W] and a target of zeros and ones of the same shape, as torchvision's
/// <c>sigmoid_focal_loss</c>: −α (1 − p)^γ log p where the target is 1, and −(1 − α) p^γ log(1 − p) where it is 0, with p = σ(z).
/// </summary>
public sealed class BinaryFocalMapLoss : MapLoss
{
    private readonly double gamma;
    private readonly double? alpha;
    private readonly long? ignoreIndex;
    private readonly Reduction reduction;

    /// <summary>Creates the loss.</summary>
    /// <param name="gamma">The exponent γ, at least 0.</param>
    /// <param name="alpha">The factor α, from 0 to 1; null for none on either side.</param>
    /// <param name="ignoreIndex">The target of positions and channels that do not count; null where all do.</param>
    /// <param name="reduction">Mean or sum.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is another, or a number is out of its range.</exception>
    public BinaryFocalMapLoss(
        double gamma = 2, double? alpha = 0.25, long? ignoreIndex = null, Reduction reduction = Reduction.Mean)
        : base(nameof(BinaryFocalMapLoss))
    {
        ArgumentOutOfRangeException.ThrowIfNegative(gamma);
        ArgumentOutOfRangeException.ThrowIfNegative(alpha ?? 0, nameof(alpha));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(alpha ?? 0, 1, nameof(alpha));
        (this.gamma, this.alpha, this.ignoreIndex) = (gamma, alpha, ignoreIndex);
        this.reduction = LossTotals.Checked(reduction);
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask = null)
    {
        var sums = new LossSums(nameof(BinaryFocalMapLoss), 2, Terms)
        {
            Values = TargetValues.ZeroOrOne,
            Ignored = ignoreIndex,
            IsMasked = mask is not null,
        };
        return sums.Of(output, target, mask, reduction);
    }

    private Tensor[] Terms(LossPositions positions)
    {
        // The logit of what is right; logarithms of p and 1 - p of it, so that where one rounds to 1 gradients are numbers.
        var logit = positions.Output.mul(positions.Target.Times(2.0).Plus(-1.0));
        var loss = logit.neg().log_sigmoid().Times(gamma).exp().mul(logit.log_sigmoid()).neg();
        if (alpha is { } share)
            loss = loss.mul(positions.Target.Times((2 * share) - 1).Plus(1 - share));
        return [positions.Counted(loss), positions.WeightOf(loss)];
    }
}
