using StreamingCnn.Interop;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Drops a residual branch of whole images at random while training (Huang et al., arXiv 1603.09382), "row" mode: each image of the batch
/// is kept with probability 1 - p and scaled by 1 / (1 - p), or set to zero.
/// </summary>
public sealed class StochasticDepth : Module<Tensor, Tensor>
{
    /// <summary>Creates the layer.</summary>
    /// <param name="probability">Probability p of dropping, in [0, 1].</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not in [0, 1].</exception>
    public StochasticDepth(double probability)
        : base(nameof(StochasticDepth))
    {
        ArgumentOutOfRangeException.ThrowIfNegative(probability);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(probability, 1);
        Probability = probability;
    }

    /// <summary>Probability of dropping.</summary>
    public double Probability { get; }

    /// <summary>Drops images at random in training mode, returns them as they are in evaluation mode.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C, H, W].</returns>
    public override Tensor forward(Tensor input)
    {
        if (!training || Probability == 0)
            return input.alias();
        if (Probability == 1)
            return input.Times(0);
        using var kept = rand(input.shape[0], 1, 1, 1, dtype: ScalarType.Float64, device: input.device)
            .IsAtLeast(Probability).to(input.dtype);
        using var mask = kept.Over(1 - Probability);
        return input * mask;
    }
}
