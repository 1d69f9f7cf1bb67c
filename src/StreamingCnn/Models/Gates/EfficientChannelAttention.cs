using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Efficient channel attention (Wang et al., arXiv 1910.03151): y = x · σ(conv(mean(x))), where a convolution of one channel runs along the
/// means of neighbouring channels.
/// </summary>
/// <remarks>Input and output are [N, C, H, W]. The only parameter is <c>conv.weight</c> [1, 1, k], as published and as in timm.</remarks>
public sealed class EfficientChannelAttention : StreamingBlock
{
    private readonly Conv1d conv;

    /// <summary>Creates the block.</summary>
    /// <param name="channels">Number of channels C.</param>
    /// <param name="kernelSize">
    /// The kernel's length k, which is odd; null for the published rule: (log2 C + 1) / 2, rounded down, and up to the next odd number that
    /// is at least 3.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1, or the kernel's length is even.</exception>
    public EfficientChannelAttention(long channels, long? kernelSize = null)
        : base(nameof(EfficientChannelAttention))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        var length = kernelSize ?? Math.Max(3, (long)((Math.Log2(channels) + 1) / 2) | 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1, nameof(kernelSize));
        if (length % 2 == 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(kernelSize), length, "The kernel along the channels has a middle: give an odd length.");
        }

        conv = Conv1d(1, 1, length, padding: length / 2, bias: false);
        RegisterComponents();
    }

    /// <summary>The kernel along the channels.</summary>
    internal Parameter Weight => conv.weight!;

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Gate(input.Mean().Apply(mean => mean.unsqueeze(1)).Through(conv).Apply(logits => logits.squeeze(1)));
    }
}
