using StreamingCnn.Interop;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// The logit of an image's label from those of its positions, for each class: of the probability (Σ σ(z_i)^r / n)^(1/r) over all valid
/// positions. With <see cref="Loss"/> it is trained by weak labels.
/// </summary>
/// <remarks>An image of which no position is valid is refused: its label says nothing.</remarks>
public sealed class WeakLabelPooling : MapPooling
{
    // A logarithm is no less than -100, as in PyTorch's binary cross-entropy.
    private const double Least = 3.720075976020836e-44;

    private readonly double exponent;

    /// <summary>Creates the pooling.</summary>
    /// <param name="exponent">The exponent r, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not above 0.</exception>
    public WeakLabelPooling(double exponent = 4)
        : base(nameof(WeakLabelPooling))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exponent);
        this.exponent = exponent;
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        var powers = positions.Valid(values).AtEachPosition("LogPower", (maps, _) => maps[0].log_sigmoid().Times(exponent), kept: 2);
        return GlobalTensor.Precisely("Logit", parts => Logit(parts[0], parts[1]), [positions.LogSumExp(powers), positions.Count]);
    }

    /// <summary>Binary cross-entropy of the probabilities, the mean over images and classes.</summary>
    /// <param name="logits">What the pooling gives, [N, C].</param>
    /// <param name="labels">0 or 1, or between, [N, C].</param>
    public static Tensor Loss(Tensor logits, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(labels);
        return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype));
    }

    private Tensor Logit(Tensor logarithm, Tensor count)
    {
        if (count.logical_not().any().item<bool>())
        {
            throw new ArgumentException(
                "An image's mask removes all of its positions, so that its label says nothing; leave such images out.");
        }

        var probability = (logarithm - count.log()).Over(exponent);
        return probability - probability.expm1().neg().NoLessThan(Least).log();
    }
}
