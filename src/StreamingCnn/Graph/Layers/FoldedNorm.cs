using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// BatchNorm2d with its running statistics, folded into the convolution before it: y = γ (W x + b - mean) / s + β is a convolution by γ/s W with another bias, s being the standard
/// deviation. The map between the two is never there, neither to be computed nor to be kept.
/// </summary>
/// <remarks>
/// With G and g, the gradients of that convolution's weights and bias, and the scale γ/s: the gradient of W is G times the scale, that of b is g times the scale, that of β is g, and that of γ is
/// (sum of W G + (b - mean) g) / s, for the sum over positions of the gradient times W x is W times the sum of the gradient times x. Nothing is divided by γ, which may be 0.
/// </remarks>
/// <param name="convolution">The convolution.</param>
/// <param name="norm">The norm that reads it.</param>
internal sealed class FoldedNorm(Conv2d convolution, BatchNorm2d norm)
{
    /// <summary>The module.</summary>
    public BatchNorm2d Module => norm;

    /// <summary>Whether the weights' gradient is needed: that of γ follows from it.</summary>
    public bool NeedsWeightGradient => convolution.weight.requires_grad || norm.weight is { requires_grad: true };

    /// <summary>Whether the bias' gradient is needed.</summary>
    public bool NeedsBiasGradient =>
        norm.bias is { requires_grad: true } || norm.weight is { requires_grad: true } || convolution.bias is { requires_grad: true };

    /// <summary>Weights of the convolution with the norm, [C', C / groups, k, k].</summary>
    public Tensor Weight()
    {
        using var scale = Scale();
        return convolution.weight * Channels(scale);
    }

    /// <summary>Bias of the convolution with the norm, [C'].</summary>
    public Tensor Bias()
    {
        using var centred = Centred();
        using var scale = Scale();
        var bias = centred.mul_(scale);
        return norm.bias is { } shift ? bias + shift : bias.alias();
    }

    /// <summary>Hands on the gradients of the parameters.</summary>
    /// <param name="weight">The gradient of <see cref="Weight"/>; null where it is not needed. It is used up.</param>
    /// <param name="bias">The gradient of <see cref="Bias"/>; null where it is not needed. It is used up.</param>
    /// <param name="parameters">Receives them.</param>
    public void Collect(Tensor? weight, Tensor? bias, IGradientSink parameters)
    {
        (weight, bias) = (Wide(weight), Wide(bias));
        using var deviation = Deviation();
        using var scale = Scale();
        if (norm.weight is { requires_grad: true } factor)
        {
            var channels = convolution.out_channels;
            using var centred = Centred();
            // A product of a row and a column for each channel: no tensor of the products in between.
            using var products = bmm(convolution.weight.view(channels, 1, -1), weight!.reshape(channels, -1, 1)).view(channels);
            parameters.Add(factor, centred.mul_(bias!).add_(products).div_(deviation).alias());
        }

        if (convolution.bias is { requires_grad: true } own)
            parameters.Add(own, bias! * scale);
        if (norm.bias is { requires_grad: true } shift)
            parameters.Add(shift, bias!);
        else
            bias?.Dispose();
        if (convolution.weight.requires_grad)
            parameters.Add(convolution.weight, weight!.mul_(Channels(scale)).alias());
        weight?.Dispose();
    }

    /// <summary>A gradient in the type of the parameters, where maps are of a narrower one.</summary>
    private Tensor? Wide(Tensor? gradient) => gradient is null || gradient.dtype == convolution.weight.dtype ? gradient : gradient.to(convolution.weight.dtype);

    private static Tensor Channels(Tensor values) => values.view(-1, 1, 1, 1);

    private Tensor Deviation() => (norm.running_var! + norm.eps).sqrt_();

    private Tensor Scale()
    {
        using var deviation = Deviation();
        return norm.weight is { } factor ? factor / deviation : deviation.reciprocal();
    }

    /// <summary>The convolution's bias, less the mean.</summary>
    private Tensor Centred() => convolution.bias is { } bias ? bias - norm.running_mean! : -norm.running_mean!;
}
