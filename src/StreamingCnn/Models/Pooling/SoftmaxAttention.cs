namespace StreamingCnn.Models;

/// <summary>
/// The mean weighted by the softmax of scores over all valid positions: Σ a_i v_i. Scores of several channels are averaged first.
/// </summary>
public sealed class SoftmaxAttention : ScoredPooling
{
    private readonly bool detached;

    /// <summary>Creates the pooling.</summary>
    /// <param name="detached">Whether the scores get no gradient.</param>
    /// <param name="masked">Whether the network has a mask as its last input.</param>
    public SoftmaxAttention(bool detached = false, bool masked = false)
        : base(nameof(SoftmaxAttention), masked) => this.detached = detached;

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap scores, FeatureMap? mask = null) =>
        new Positions(values, mask).SoftmaxMean(values, AttentionScores.One(scores, detached));
}
