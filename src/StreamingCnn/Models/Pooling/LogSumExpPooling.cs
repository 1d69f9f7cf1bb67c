using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>
/// Log-sum-exp pooling (Pinheiro and Collobert, arXiv 1411.6228): log(Σ exp(r x_i) / n) / r over all valid positions; between the mean, for
/// small r, and the largest value, for large r.
/// </summary>
public sealed class LogSumExpPooling : MapPooling
{
    private readonly double sharpness;

    /// <summary>Creates the pooling.</summary>
    /// <param name="sharpness">The factor r, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not above 0.</exception>
    public LogSumExpPooling(double sharpness = 5)
        : base(nameof(LogSumExpPooling))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sharpness);
        this.sharpness = sharpness;
    }

    /// <summary>The factor r.</summary>
    internal double Sharpness => sharpness;

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        var sharpened = values.AtEachPosition("Sharpen", (maps, _) => maps[0].Times(sharpness));
        return GlobalTensor.Precisely("LogSumExp", parts => Mean(parts[0], parts[1]), [positions.LogSumExp(sharpened), positions.Count]);
    }

    private Tensor Mean(Tensor logarithm, Tensor count)
    {
        var isNone = count.logical_not();
        return (logarithm.FilledWhere(isNone, 0) - count.FilledWhere(isNone, 1).log()).Over(sharpness);
    }
}
