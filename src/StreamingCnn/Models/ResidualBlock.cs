using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>How the convolutions of a residual network are normalised.</summary>
/// <param name="Norm">The norm behind each; null for none, and a bias instead.</param>
/// <param name="Standardised">Whether weights are standardised.</param>
internal readonly record struct ResidualNorms(NetworkNorm? Norm, bool Standardised)
{
    /// <summary>A convolution and what stands behind it.</summary>
    public (Conv2d Convolution, Module<Tensor, Tensor> Norm) Behind(
        long inputs, long outputs, long kernel, long stride, long dilation = 1) => (
        Conv2d(inputs, outputs, kernel, stride: stride, padding: dilation * (kernel / 2), dilation: dilation, bias: Norm is null),
        Norm is null ? nn.Identity() : Norm.Of(outputs));

    /// <summary>The convolution of a map.</summary>
    public FeatureMap Apply(Conv2d convolution, FeatureMap input) =>
        Standardised ? input.Builder.Standardised(convolution, input) : input.Through(convolution);
}

/// <summary>A residual block with torchvision's parameter names: two 3x3 convolutions, or a 3x3 between two 1x1 (the bottleneck).</summary>
internal sealed class ResidualBlock : StreamingBlock
{
    private const long Expansion = 4;

    private readonly ResidualNorms norms;
    private readonly Conv2d conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Conv2d conv2;
    private readonly Module<Tensor, Tensor> bn2;
    private readonly Conv2d? conv3;
    private readonly Module<Tensor, Tensor>? bn3;
    private readonly Sequential? downsample;
    private readonly ReLU relu = ReLU();

    public ResidualBlock(long inputs, long width, long stride, bool bottleneck, ResidualNorms norms, long dilation = 1)
        : base(nameof(ResidualBlock))
    {
        this.norms = norms;
        OutputChannels = bottleneck ? Expansion * width : width;
        (conv1, bn1) = bottleneck ? norms.Behind(inputs, width, 1, 1) : norms.Behind(inputs, width, 3, stride);
        (conv2, bn2) = norms.Behind(width, width, 3, bottleneck ? stride : 1, dilation);
        if (bottleneck)
            (conv3, bn3) = norms.Behind(width, OutputChannels, 1, 1);
        if (stride != 1 || inputs != OutputChannels)
        {
            var (convolution, norm) = norms.Behind(inputs, OutputChannels, 1, stride);
            downsample = Sequential(convolution, norm);
        }

        RegisterComponents();
    }

    public long OutputChannels { get; }

    public override FeatureMap Trace(FeatureMap input)
    {
        var branch = norms.Apply(conv2, norms.Apply(conv1, input).Through(bn1).Through(relu)).Through(bn2);
        if (conv3 is not null)
            branch = norms.Apply(conv3, branch.Through(relu)).Through(bn3!);
        return (branch + Identity(input)).Through(relu);
    }

    private FeatureMap Identity(FeatureMap input)
    {
        if (downsample is null)
            return input;
        return norms.Standardised
            ? norms.Apply((Conv2d)downsample[0], input).Through((Module<Tensor, Tensor>)downsample[1])
            : input.Through(downsample);
    }
}
