using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Layer normalisation over the channels of each pixel (Ba, Kiros and Hinton, arXiv 1607.06450; "LayerNorm2d" in ConvNeXt). Being local, it
/// can be streamed and trained exactly, where batch, group and instance normalisation cannot.
/// </summary>
public sealed class ChannelLayerNorm : Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly double eps;

    /// <summary>Creates the layer.</summary>
    /// <param name="channels">Number of channels C.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of channels is below 1.</exception>
    public ChannelLayerNorm(long channels, double eps = 1e-6)
        : base(nameof(ChannelLayerNorm))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        this.eps = eps;
        weight = Parameter(ones(channels));
        bias = Parameter(zeros(channels));
        RegisterComponents();
    }

    /// <summary>Scale of each channel, [C].</summary>
    public Parameter Weight => weight;

    /// <summary>Offset of each channel, [C].</summary>
    public Parameter Bias => bias;

    /// <summary>Added to the variance.</summary>
    internal double Eps => eps;

    /// <summary>Normalises each pixel.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C, H, W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var pixels = input.permute(0, 2, 3, 1);
        using var normalised = functional.layer_norm(pixels, [weight.shape[0]], weight, bias, eps);
        return normalised.permute(0, 3, 1, 2);
    }
}
