using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>One trainable factor for each channel (LayerScale; Touvron et al., arXiv 2103.17239).</summary>
public sealed class ChannelScale : Module<Tensor, Tensor>
{
    private readonly Parameter weight;

    /// <summary>Creates the layer.</summary>
    /// <param name="channels">Number of channels C.</param>
    /// <param name="initial">Value of every factor at first.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of channels is below 1.</exception>
    public ChannelScale(long channels, double initial = 1)
        : base(nameof(ChannelScale))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        weight = Parameter(empty(channels).Filled(initial));
        RegisterComponents();
    }

    /// <summary>The factors, [C].</summary>
    public Parameter Weight => weight;

    /// <summary>Scales each channel.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C, H, W].</returns>
    /// <exception cref="ArgumentException">The input has another number of channels.</exception>
    public override Tensor forward(Tensor input)
    {
        // A single channel would be spread over all factors without a word.
        if (input.shape[1] != weight.numel())
            throw new ArgumentException(
                $"The input has {input.shape[1]} channel(s), but there are {weight.numel()} factors.", nameof(input));
        using var factors = weight.reshape(-1, 1, 1);
        return input * factors;
    }
}
