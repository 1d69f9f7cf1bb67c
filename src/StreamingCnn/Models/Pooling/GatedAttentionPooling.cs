using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Gated attention pooling (Ilse, Tomczak and Welling, arXiv 1802.04712): Σ a_i x_i over all valid positions, where a is the softmax over
/// them of w (tanh(V x_i) · σ(U x_i)).
/// </summary>
/// <remarks>Parameters: the linear layers <c>attentionV</c>, <c>attentionU</c> and <c>attentionWeight</c>.</remarks>
public sealed class GatedAttentionPooling : MapPooling
{
    private readonly Linear attentionV;
    private readonly Linear attentionU;
    private readonly Linear attentionWeight;

    /// <summary>Creates the pooling.</summary>
    /// <param name="channels">Number of channels C.</param>
    /// <param name="width">Rows of V and of U.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1.</exception>
    public GatedAttentionPooling(long channels, long width = 128)
        : base(nameof(GatedAttentionPooling))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        attentionV = Linear(channels, width);
        attentionU = Linear(channels, width);
        attentionWeight = Linear(width, 1);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        return positions.SoftmaxMean(values, Scores(positions.Valid(values)));
    }

    /// <summary>
    /// The scores of which the softmax is taken, w (tanh(V x) · σ(U x)), as a map of one channel: where the pooling looks.
    /// </summary>
    /// <param name="values">The map [N, C, H, W].</param>
    public FeatureMap Scores(FeatureMap values) => Scores(values, attentionV, attentionU, attentionWeight);

    /// <summary>The scores with linear layers that belong to another module.</summary>
    /// <param name="values">The map [N, C, H, W].</param>
    /// <param name="v">From C to some width.</param>
    /// <param name="u">Likewise.</param>
    /// <param name="weight">From that to 1.</param>
    public static FeatureMap Scores(FeatureMap values, Linear v, Linear u, Linear weight)
    {
        ArgumentNullException.ThrowIfNull(values);
        var gated = values.Through(v).AtEachPosition(
            "Gated", (maps, _) => maps[0].tanh() * maps[1].sigmoid(), [values.Through(u)], kept: 2);
        return gated.Through(weight);
    }
}
