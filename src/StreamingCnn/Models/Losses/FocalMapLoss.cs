using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Focal loss (Lin and others, arXiv 1708.02002) of logits and class indices: −α (1 − p)^γ log p of the target's class, where p is its
/// softmax. The mean is over positions, whatever their α.
/// </summary>
public sealed class FocalMapLoss : MapLoss
{
    private readonly double gamma;
    private readonly double[]? alpha;
    private readonly long ignoreIndex;
    private readonly Reduction reduction;

    /// <summary>Creates the loss.</summary>
    /// <param name="gamma">The exponent γ, at least 0.</param>
    /// <param name="alpha">The factor α of each class, at least 0; null for 1.</param>
    /// <param name="ignoreIndex">The index of positions that do not count.</param>
    /// <param name="reduction">Mean or sum.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is another, or a number is below 0.</exception>
    public FocalMapLoss(
        double gamma = 2, IReadOnlyList<double>? alpha = null, long ignoreIndex = -100, Reduction reduction = Reduction.Mean)
        : base(nameof(FocalMapLoss))
    {
        ArgumentOutOfRangeException.ThrowIfNegative(gamma);
        (this.gamma, this.alpha, this.ignoreIndex) = (gamma, LossTotals.Checked(alpha, nameof(alpha)), ignoreIndex);
        this.reduction = LossTotals.Checked(reduction);
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask = null)
    {
        var sums = new LossSums(nameof(FocalMapLoss), 2, Terms)
        {
            Values = TargetValues.Classes,
            Ignored = ignoreIndex,
            Classes = alpha?.Length,
            IsMasked = mask is not null,
        };
        return sums.Of(output, target, mask, reduction);
    }

    private Tensor[] Terms(LossPositions positions)
    {
        var logarithms = positions.Output.log_softmax(1);
        // The logarithm of 1 - p, from the other classes: where p rounds to 1 its power would have no gradient.
        var others = logarithms.FilledWhere(positions.IsClass, double.NegativeInfinity).logsumexp(1, keepdim: true);
        var loss = others.Times(gamma).exp().mul(logarithms.gather(1, positions.Classes)).neg();
        return [positions.Counted(alpha is null ? loss : loss.mul(positions.OfClass(alpha))), positions.WeightOf(loss)];
    }
}
