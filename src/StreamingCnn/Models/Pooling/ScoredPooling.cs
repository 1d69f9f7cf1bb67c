namespace StreamingCnn.Models;

/// <summary>
/// A pooling of a map with scores, a second map of the same size: from their valid positions, which are all or those of a mask, to a small
/// tensor [N, C]. As a network its inputs are both maps, and the mask where it has one; within another network call <see cref="Of"/>.
/// </summary>
/// <remarks>
/// Each position counts once, and what the mask removes counts in no sum, whatever its value. Where an image's mask removes all positions,
/// the value is 0 unless said otherwise, and all gradients of that image are 0.
/// </remarks>
public abstract class ScoredPooling : MultiInputBlock
{
    /// <summary>Creates the pooling.</summary>
    /// <param name="name">The module's name.</param>
    /// <param name="masked">Whether the network has a mask as its last input.</param>
    protected ScoredPooling(string name, bool masked)
        : base(name, masked ? 3 : 2)
    {
    }

    /// <inheritdoc/>
    public sealed override IReadOnlyList<GlobalTensor> Trace(IReadOnlyList<FeatureMap> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return [Of(inputs[0], inputs[1], inputs.Count > 2 ? inputs[2] : null)];
    }

    /// <summary>Describes the computation.</summary>
    /// <param name="values">The map [N, C, H, W].</param>
    /// <param name="scores">The scores [N, 1, H, W] or [N, C, H, W].</param>
    /// <param name="mask">
    /// A map of the same size that is not 0 where positions are valid: in its only channel, or in any of them. It gets no gradient. Null
    /// where all are.
    /// </param>
    public abstract GlobalTensor Of(FeatureMap values, FeatureMap scores, FeatureMap? mask = null);
}
