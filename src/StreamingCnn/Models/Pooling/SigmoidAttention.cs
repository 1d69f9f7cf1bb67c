namespace StreamingCnn.Models;

/// <summary>
/// Logits' mean, weighted for each class by the softmax over all valid positions of their logistic function: Σ softmax(σ(z) / τ)_i z_i.
/// </summary>
/// <inheritdoc cref="SelfAttention" path="/remarks"/>
public sealed class SigmoidAttention : SelfAttention
{
    /// <summary>Creates the pooling.</summary>
    /// <param name="temperature">The temperature τ, above 1e-6.</param>
    /// <param name="isTrained">Whether the temperature is trained.</param>
    /// <param name="detached">Whether the weights pass no gradient on.</param>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is out of its range.</exception>
    public SigmoidAttention(double temperature = 1, bool isTrained = false, bool detached = false)
        : base(nameof(SigmoidAttention), temperature, isTrained, detached)
    {
    }

    private protected override FeatureMap Scores(FeatureMap values) => values.AtEachPosition("Sigmoid", (maps, _) => maps[0].sigmoid());
}
