using StreamingCnn.Interop;
using StreamingCnn.Reductions;

namespace StreamingCnn.Models;

/// <summary>
/// Normalised global weighted pooling (Araslanov and Roth, arXiv 2005.08104): Σ s_i m_i / (ε + Σ m_i) over all valid positions, where s are
/// classes' scores and m their soft masks. Both get gradients.
/// </summary>
public sealed class NormalizedGlobalWeightedPooling : ScoredPooling
{
    private readonly double eps;

    /// <summary>Creates the pooling.</summary>
    /// <param name="eps">Added to the sum of the masks.</param>
    /// <param name="masked">Whether the network has a mask of valid positions as its last input.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is not above 0.</exception>
    public NormalizedGlobalWeightedPooling(double eps = 1, bool masked = false)
        : base(nameof(NormalizedGlobalWeightedPooling), masked)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(eps);
        this.eps = eps;
    }

    /// <summary>Describes the computation.</summary>
    /// <param name="values">The classes' scores s [N, C, H, W].</param>
    /// <param name="scores">The soft masks m, [N, 1, H, W] or [N, C, H, W].</param>
    /// <param name="mask">Of valid positions; null where all are.</param>
    public override GlobalTensor Of(FeatureMap values, FeatureMap scores, FeatureMap? mask = null)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var positions = new Positions(values, mask);
        var sums = positions.Valid(values).Reduce(new SumReduction(weighted: true), positions.Valid(scores));
        return GlobalTensor.Precisely("Quotient", parts => parts[0] / parts[1].Plus(eps), sums);
    }
}
