using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Global response normalisation of ConvNeXt V2 (Woo et al., arXiv 2301.00808): y = x + weight · x · n + bias, where n is the channel's L2
/// norm over the whole map, over the mean of all channels' norms plus eps.
/// </summary>
/// <remarks>
/// Input and output are [N, C, H, W]. Parameters: <c>weight</c> and <c>bias</c> [C], the paper's gamma and beta, as in timm.
/// </remarks>
public sealed class GlobalResponseNorm : StreamingBlock
{
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly double eps;

    /// <summary>Creates the block; at first it gives its input.</summary>
    /// <param name="channels">Number of channels C.</param>
    /// <param name="eps">Added to the mean of the norms.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of channels is below 1.</exception>
    public GlobalResponseNorm(long channels, double eps = 1e-6)
        : base(nameof(GlobalResponseNorm))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        this.eps = eps;
        weight = Parameter(zeros(channels));
        bias = Parameter(zeros(channels));
        RegisterComponents();
    }

    /// <summary>The factors of the response.</summary>
    internal Parameter Weight => weight;

    /// <summary>The summands.</summary>
    internal Parameter Bias => bias;

    /// <summary>What is added to the mean of the norms.</summary>
    internal double Eps => eps;

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var squares = input.AtEachPosition("Square", (maps, _) => maps[0].Squared()).Reduce(new SumReduction())[0];
        var factors = GlobalTensor.Precisely("Response", parts => Factors(parts[0]), [squares], weight);
        var summands = GlobalTensor.Precisely("Bias", _ => bias.unsqueeze(0), [squares], bias);
        return input.Affine(null, factors, summands);
    }

    private Tensor Factors(Tensor squares)
    {
        // As a norm's, the gradient is 0 where the norm is; that of the root would be infinite.
        var isZero = squares.logical_not();
        var norms = squares.FilledWhere(isZero, 1).sqrt().FilledWhere(isZero, 0);
        return (weight * norms / norms.mean([1], keepdim: true).Plus(eps)).Plus(1.0);
    }
}
