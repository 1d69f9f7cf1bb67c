using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>Under which names a <see cref="SqueezeExcite"/> keeps its two convolutions.</summary>
public enum SqueezeExciteNames
{
    /// <summary><c>fc1</c> and <c>fc2</c>, as in torchvision, and in timm's <c>SEModule</c>.</summary>
    Torchvision,

    /// <summary><c>conv_reduce</c> and <c>conv_expand</c>, as in timm's efficient networks.</summary>
    Timm,
}

/// <summary>
/// Squeeze-and-excitation (Hu, Shen and Sun, arXiv 1709.01507): y = x · gate(W2 activation(W1 mean(x) + b1) + b2), a factor for each image
/// and channel that depends on the means over the whole map.
/// </summary>
/// <remarks>Input and output are [N, C, H, W]. The weights are those of 1x1 convolutions, [S, C, 1, 1] and [C, S, 1, 1].</remarks>
public sealed class SqueezeExcite : StreamingBlock
{
    private readonly Module<Tensor, Tensor> reduce;
    private readonly Module<Tensor, Tensor> activation;
    private readonly Module<Tensor, Tensor> expand;
    private readonly Module<Tensor, Tensor> gate;

    /// <summary>Creates the block.</summary>
    /// <param name="channels">Number of channels C.</param>
    /// <param name="squeezed">Number of channels S between both convolutions.</param>
    /// <param name="activation">Behind the first one; null for ReLU.</param>
    /// <param name="gate">Behind the second one; null for the logistic function.</param>
    /// <param name="names">The parameters' names.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number of channels is below 1.</exception>
    public SqueezeExcite(
        long channels,
        long squeezed,
        Module<Tensor, Tensor>? activation = null,
        Module<Tensor, Tensor>? gate = null,
        SqueezeExciteNames names = SqueezeExciteNames.Torchvision)
        : base(nameof(SqueezeExcite))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(squeezed, 1);
        reduce = Conv2d(channels, squeezed, 1);
        this.activation = activation ?? ReLU();
        expand = Conv2d(squeezed, channels, 1);
        this.gate = gate ?? Sigmoid();
        var (first, between, second, last) = names == SqueezeExciteNames.Timm
            ? ("conv_reduce", "act1", "conv_expand", "gate")
            : ("fc1", "activation", "fc2", "scale_activation");
        register_module(first, reduce);
        register_module(between, this.activation);
        register_module(second, expand);
        register_module(last, this.gate);
    }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var means = input.Mean().Apply(mean => mean.unsqueeze(2).unsqueeze(3));
        return input.Scale(means.Through(reduce).Through(activation).Through(expand).Through(gate));
    }
}
