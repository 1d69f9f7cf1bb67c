namespace StreamingCnn.Models;

/// <summary>
/// A pooling of one map: from its valid positions, which are all or those of a mask, to a small tensor, [N, C] unless said otherwise. Each
/// position counts once, and what the mask removes counts in no sum, whatever its value.
/// </summary>
/// <remarks>
/// As a module it takes a map alone. With a mask from a second source, call <see cref="Of"/> within a <see cref="MultiInputBlock"/>. Where
/// an image's mask removes all positions, the value is 0 unless said otherwise, and all gradients of that image are 0.
/// </remarks>
public abstract class MapPooling : StreamingHead
{
    /// <summary>Creates the pooling.</summary>
    protected MapPooling(string name)
        : base(name)
    {
    }

    /// <inheritdoc/>
    public sealed override GlobalTensor Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Of(input);
    }

    /// <summary>Describes the computation.</summary>
    /// <param name="values">The map [N, C, H, W].</param>
    /// <param name="mask">
    /// A map of the same size that is not 0 where positions are valid: in its only channel, or in any of them. It gets no gradient. Null
    /// where all are.
    /// </param>
    public abstract GlobalTensor Of(FeatureMap values, FeatureMap? mask = null);
}
