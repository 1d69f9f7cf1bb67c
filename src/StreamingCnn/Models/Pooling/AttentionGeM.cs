namespace StreamingCnn.Models;

/// <summary>
/// Generalised mean with attention: max(Σ b_i max(x_i, ε)^r, ε)^(1/r) over all valid positions, where b = (1 − α) a + α / n and a is the
/// softmax of scores. Scores of several channels are averaged first.
/// </summary>
/// <remarks>Where there are no positions, the value is ε^(1/r).</remarks>
public sealed class AttentionGeM : ScoredPooling
{
    private readonly FusedAttentionGeM fused;

    /// <summary>Creates the pooling.</summary>
    /// <param name="evenness">The share α of equal weights, in [0, 1].</param>
    /// <param name="exponent">The exponent r, above 0.</param>
    /// <param name="eps">The least value ε, above 0.</param>
    /// <param name="detached">Whether the scores get no gradient.</param>
    /// <param name="masked">Whether the network has a mask as its last input.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public AttentionGeM(double evenness = 0, double exponent = 4, double eps = 1e-6, bool detached = false, bool masked = false)
        : base(nameof(AttentionGeM), masked) => fused = new([1], [1], evenness, exponent, eps, detached);

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap scores, FeatureMap? mask = null) => fused.Of([values], [scores], mask);
}
