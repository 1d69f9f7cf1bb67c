namespace StreamingCnn.Models;

/// <summary>The sum over all valid positions: Σ x_i.</summary>
public sealed class SumPooling() : MapPooling(nameof(SumPooling))
{
    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null) => new Positions(values, mask).Sum(values);
}
