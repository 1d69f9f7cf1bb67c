namespace StreamingCnn.Models;

/// <summary>The mean over all valid positions: Σ x_i / n.</summary>
public sealed class MeanPooling() : MapPooling(nameof(MeanPooling))
{
    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null) => new Positions(values, mask).Mean(values);
}
