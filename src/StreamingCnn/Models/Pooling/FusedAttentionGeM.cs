using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>
/// Generalised mean with attention of several maps, each with scores of its own: v = Σ w_k y_k, a = Σ h_k softmax(ℓ_k), b = (1 − α) a + α /
/// n, and the value is max(Σ b_i max(v_i, ε)^r, ε)^(1/r) over all valid positions. Scores of several channels are averaged first.
/// </summary>
/// <remarks>
/// As a network its inputs are the maps, then their scores, then the mask where it has one; within another network call <see cref="Of"/>.
/// Where there are no positions, the value is ε^(1/r), and gradients are 0.
/// </remarks>
public sealed class FusedAttentionGeM : MultiInputBlock
{
    private static readonly double[] Three = [0.3, 0.4, 0.3];

    private readonly double[] shares;
    private readonly double[] scoreShares;
    private readonly double evenness;
    private readonly double exponent;
    private readonly double eps;
    private readonly bool detached;

    /// <summary>Creates the pooling.</summary>
    /// <param name="shares">The maps' weights w; null for 0.3, 0.4 and 0.3.</param>
    /// <param name="scoreShares">The attentions' weights h, as many; null for 0.3, 0.4 and 0.3.</param>
    /// <param name="evenness">The share α of equal weights, in [0, 1].</param>
    /// <param name="exponent">The exponent r, above 0.</param>
    /// <param name="eps">The least value ε, above 0.</param>
    /// <param name="detached">Whether the scores get no gradient.</param>
    /// <param name="masked">Whether the network has a mask as its last input.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    /// <exception cref="ArgumentException">There are not as many weights of attentions as of maps, or none.</exception>
    public FusedAttentionGeM(
        IReadOnlyList<double>? shares = null,
        IReadOnlyList<double>? scoreShares = null,
        double evenness = 0,
        double exponent = 4,
        double eps = 1e-6,
        bool detached = false,
        bool masked = false)
        : base(nameof(FusedAttentionGeM), (2 * (shares ?? Three).Count) + (masked ? 1 : 0))
    {
        ArgumentOutOfRangeException.ThrowIfNegative(evenness);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(evenness, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exponent);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(eps);
        (this.shares, this.scoreShares) = ([.. shares ?? Three], [.. scoreShares ?? Three]);
        Check(this.scoreShares.Length, nameof(scoreShares));
        (this.evenness, this.exponent, this.eps, this.detached) = (evenness, exponent, eps, detached);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<GlobalTensor> Trace(IReadOnlyList<FeatureMap> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var maps = inputs.Take(2 * shares.Length).ToArray();
        return [Of(maps[..shares.Length], maps[shares.Length..], inputs.ElementAtOrDefault(maps.Length))];
    }

    /// <summary>Describes the computation.</summary>
    /// <param name="values">The maps [N, C, H, W].</param>
    /// <param name="scores">As many scores, [N, 1, H, W] or [N, C, H, W].</param>
    /// <param name="mask">
    /// A map of the same size that is not 0 where positions are valid: in its only channel, or in any of them. It gets no gradient. Null
    /// where all are.
    /// </param>
    /// <exception cref="ArgumentException">There are not as many maps or scores as weights.</exception>
    public GlobalTensor Of(IReadOnlyList<FeatureMap> values, IReadOnlyList<FeatureMap> scores, FeatureMap? mask = null)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(scores);
        Check(values.Count, nameof(values));
        Check(scores.Count, nameof(scores));
        var positions = new Positions(values[0], mask);
        var powers = PowerMean.Powers(positions.Valid(Fused(values)), exponent, eps);
        List<GlobalTensor> means = [.. scores.Select(one => positions.SoftmaxMean(powers, AttentionScores.One(one, detached)))];
        if (evenness > 0)
            means.Add(positions.Mean(powers));
        var mean = GlobalTensor.Precisely(
            "Attended", parts => Sum(parts, [.. scoreShares.Select(share => (1 - evenness) * share), evenness]), means);
        return PowerMean.Root(mean, exponent, eps);
    }

    private FeatureMap Fused(IReadOnlyList<FeatureMap> values) => shares is [1]
        ? values[0]
        : values[0].AtEachPosition("Fused", (maps, _) => Sum(maps, shares), [.. values.Skip(1)]);

    private static Tensor Sum(IReadOnlyList<Tensor> parts, double[] shares) =>
        parts.Zip(shares, (part, share) => part.Times(share)).Aggregate((sum, part) => sum.Plus(part));

    private void Check(int count, string name)
    {
        if (count != shares.Length)
            throw new ArgumentException($"There are weights for {shares.Length} maps, but {count} were given; give one for each.", name);
    }
}
