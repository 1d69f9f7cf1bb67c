using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The numbers of an inverted residual block.</summary>
/// <param name="Inputs">Channels of the input.</param>
/// <param name="Expanded">Channels of the depthwise convolution.</param>
/// <param name="Outputs">Channels of the output.</param>
/// <param name="Kernel">Taps of the depthwise convolution along each side.</param>
/// <param name="Stride">Its stride.</param>
/// <param name="Squeezed">Channels in the middle of the gate; 0 for a block without one.</param>
/// <param name="Dilation">Distance between taps of the depthwise convolution, which then has no stride.</param>
internal readonly record struct InvertedResidualShape(
    long Inputs, long Expanded, long Outputs, long Kernel, long Stride, long Squeezed, long Dilation = 1);

/// <summary>
/// An inverted residual block (Sandler et al., arXiv 1801.04381) with torchvision's parameter names: a 1x1 convolution to more channels, a
/// depthwise one, a gate of squeeze and excitation, and a 1x1 convolution to few channels; added to its input where both agree in shape.
/// </summary>
internal sealed class InvertedResidual : StreamingBlock
{
    private readonly Sequential block;
    private readonly bool isResidual;

    [ComponentName(Name = "stochastic_depth")]
    private readonly StochasticDepth? stochasticDepth;

    /// <param name="shape">Its numbers.</param>
    /// <param name="norm">Its norms.</param>
    /// <param name="activation">Makes its activations.</param>
    /// <param name="gate">Makes its gate, of so many channels and so many in the middle.</param>
    /// <param name="dropProbability">Probability that training drops the block, where it is a residual.</param>
    public InvertedResidual(
        in InvertedResidualShape shape,
        NetworkNorm norm,
        Func<Module<Tensor, Tensor>> activation,
        Func<long, long, Module<Tensor, Tensor>> gate,
        double dropProbability = 0)
        : base(nameof(InvertedResidual))
    {
        var layers = new List<Module<Tensor, Tensor>>();
        if (shape.Expanded != shape.Inputs)
            layers.Add(norm.Behind(shape.Inputs, shape.Expanded, 1, activation()));
        layers.Add(norm.Behind(
            shape.Expanded,
            shape.Expanded,
            shape.Kernel,
            activation(),
            shape.Dilation > 1 ? 1 : shape.Stride,
            shape.Expanded,
            shape.Dilation));
        if (shape.Squeezed > 0)
            layers.Add(gate(shape.Expanded, shape.Squeezed));
        layers.Add(norm.Behind(shape.Expanded, shape.Outputs, 1));
        block = Sequential(layers);
        isResidual = shape.Stride == 1 && shape.Inputs == shape.Outputs;
        if (isResidual && dropProbability > 0)
            stochasticDepth = new StochasticDepth(dropProbability);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var branch = input.Through(block);
        if (!isResidual)
            return branch;
        return (stochasticDepth is null ? branch : branch.Through(stochasticDepth)) + input;
    }

    /// <summary>The multiple of eight that is nearest to a number of channels, but not more than a tenth below it.</summary>
    public static long InEights(double channels)
    {
        var rounded = Math.Max(8, (long)(channels + 4) / 8 * 8);
        return rounded < 0.9 * channels ? rounded + 8 : rounded;
    }
}
