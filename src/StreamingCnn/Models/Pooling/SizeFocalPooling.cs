using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>
/// The focal penalty of small masks (Araslanov and Roth, arXiv 2005.08104): (1 − m̄)^p log(λ + m̄), where m̄ is a soft mask's mean over all
/// valid positions.
/// </summary>
public sealed class SizeFocalPooling : MapPooling
{
    private readonly double exponent;
    private readonly double least;

    /// <summary>Creates the pooling.</summary>
    /// <param name="exponent">The exponent p, at least 0.</param>
    /// <param name="least">The summand λ, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public SizeFocalPooling(double exponent = 3, double least = 0.01)
        : base(nameof(SizeFocalPooling))
    {
        ArgumentOutOfRangeException.ThrowIfNegative(exponent);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(least);
        (this.exponent, this.least) = (exponent, least);
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        return GlobalTensor.Precisely("SizeFocal", parts => Penalty(parts[0], parts[1]), [positions.Mean(values), positions.Count]);
    }

    private Tensor Penalty(Tensor mean, Tensor count) =>
        (mean.neg().Plus(1.0).Power(exponent) * mean.Plus(least).log()).FilledWhere(count.logical_not(), 0);
}
