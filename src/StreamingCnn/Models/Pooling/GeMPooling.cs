using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Generalised-mean pooling (Radenović, Tolias and Chum, arXiv 1711.02512): (Σ max(x_i, ε)^p / n)^(1/p) over all valid positions; the mean
/// for p = 1, and nearer to the largest value the larger p is.
/// </summary>
/// <remarks>
/// The mean of powers may be bounded from below by ε too, as weakly supervised segmentation has it. Where there are no positions, the value
/// is ε^(1/p) with that bound, and ε without. A trained exponent is the parameter <c>p</c> [1].
/// </remarks>
public sealed class GeMPooling : MapPooling
{
    private readonly Parameter? p;
    private readonly double exponent;
    private readonly double eps;
    private readonly bool boundsMean;

    /// <summary>Creates the pooling.</summary>
    /// <param name="exponent">The exponent p, above 0. Radenović et al. begin with 3.</param>
    /// <param name="isTrained">Whether the exponent is a parameter.</param>
    /// <param name="eps">The least value ε, above 0.</param>
    /// <param name="boundsMean">Whether the mean of powers is no less than ε either: max(Σ max(x_i, ε)^p / n, ε)^(1/p).</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not above 0.</exception>
    public GeMPooling(double exponent = 4, bool isTrained = false, double eps = 1e-6, bool boundsMean = true)
        : base(nameof(GeMPooling))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exponent);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(eps);
        (this.exponent, this.eps, this.boundsMean) = (exponent, eps, boundsMean);
        if (isTrained)
            p = Parameter(empty(1).Filled(exponent));
        RegisterComponents();
    }

    /// <summary>The exponent, where it is trained.</summary>
    internal Parameter? Trained => p;

    /// <summary>The exponent, where it is fixed.</summary>
    internal double Exponent => exponent;

    /// <summary>The least value.</summary>
    internal double Eps => eps;

    /// <summary>Whether the mean of powers is bounded, too.</summary>
    internal bool BoundsMean => boundsMean;

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        var valid = positions.Valid(values);
        var trained = p is null ? null : values.Builder.Small(new(_ => p.unsqueeze(0)) { Name = "Exponent", Parameters = [p] }, []);
        var powers = trained is null ? PowerMean.Powers(valid, exponent, eps) : PowerMean.Powers(valid, trained, eps);
        GlobalTensor[] sums = [positions.Mean(powers), positions.Count];
        return trained is null
            ? GlobalTensor.Precisely("GeM", parts => Root(parts[0], parts[1]), sums)
            : GlobalTensor.Precisely("GeM", parts => Root(parts[0], parts[1], parts[2]), [.. sums, trained]);
    }

    private Tensor Root(Tensor mean, Tensor count)
    {
        var isNone = count.logical_not();
        return Bounded(mean, isNone).Power(1 / exponent).FilledWhere(isNone, boundsMean ? Math.Pow(eps, 1 / exponent) : eps);
    }

    private Tensor Root(Tensor mean, Tensor count, Tensor exponent)
    {
        var isNone = count.logical_not();
        var inverse = exponent.reciprocal();
        var root = Bounded(mean, isNone).pow(inverse);
        // Where there are no positions, the exponent gets no gradient either.
        return boundsMean ? where(isNone, inverse.detach().Times(Math.Log(eps)).exp().to(root.dtype), root) : root.FilledWhere(isNone, eps);
    }

    private Tensor Bounded(Tensor mean, Tensor isNone)
    {
        var some = mean.FilledWhere(isNone, 1);
        return boundsMean ? some.NoLessThan(eps) : some;
    }
}
