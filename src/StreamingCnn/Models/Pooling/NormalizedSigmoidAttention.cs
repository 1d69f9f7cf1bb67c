namespace StreamingCnn.Models;

/// <summary>
/// The mean weighted by the logistic function of scores over all valid positions: Σ σ(ℓ_i) v_i / Σ σ(ℓ_j). Scores of several channels are
/// averaged first.
/// </summary>
public sealed class NormalizedSigmoidAttention : ScoredPooling
{
    private readonly bool detached;

    /// <summary>Creates the pooling.</summary>
    /// <param name="detached">Whether the scores get no gradient.</param>
    /// <param name="masked">Whether the network has a mask as its last input.</param>
    public NormalizedSigmoidAttention(bool detached = false, bool masked = false)
        : base(nameof(NormalizedSigmoidAttention), masked) => this.detached = detached;

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap scores, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        // The softmax of log σ is the same, and is defined where each σ is too small to be a number.
        var logarithms = positions.Valid(AttentionScores.One(scores, detached))
            .AtEachPosition("LogSigmoid", (maps, _) => maps[0].log_sigmoid(), kept: 1);
        return positions.SoftmaxMean(values, logarithms);
    }
}
