using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>A residual block with torchvision's parameter names: two 3x3 convolutions, or a 3x3 between two 1x1 (the bottleneck).</summary>
internal sealed class ResidualBlock : StreamingBlock
{
    private const long Expansion = 4;

    private readonly Conv2d conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Conv2d conv2;
    private readonly Module<Tensor, Tensor> bn2;
    private readonly Conv2d? conv3;
    private readonly Module<Tensor, Tensor>? bn3;
    private readonly Sequential? downsample;
    private readonly ReLU relu = ReLU();

    public ResidualBlock(long inputs, long width, long stride, bool bottleneck, bool batchNorm)
        : base(nameof(ResidualBlock))
    {
        OutputChannels = bottleneck ? Expansion * width : width;
        (conv1, bn1) = bottleneck ? Convolution(inputs, width, 1, 1) : Convolution(inputs, width, 3, stride);
        (conv2, bn2) = Convolution(width, width, 3, bottleneck ? stride : 1);
        if (bottleneck)
            (conv3, bn3) = Convolution(width, OutputChannels, 1, 1);
        if (stride != 1 || inputs != OutputChannels)
        {
            var (convolution, norm) = Convolution(inputs, OutputChannels, 1, stride);
            downsample = Sequential(convolution, norm);
        }

        RegisterComponents();

        (Conv2d Convolution, Module<Tensor, Tensor> Norm) Convolution(long from, long to, long kernel, long step) => (
            Conv2d(from, to, kernel, stride: step, padding: kernel / 2, bias: !batchNorm),
            batchNorm ? BatchNorm2d(to) : Identity());
    }

    public long OutputChannels { get; }

    public override FeatureMap Trace(FeatureMap input)
    {
        var branch = input.Through(conv1).Through(bn1).Through(relu).Through(conv2).Through(bn2);
        if (conv3 is not null)
            branch = branch.Through(relu).Through(conv3).Through(bn3!);
        var identity = downsample is null ? input : input.Through(downsample);
        return (branch + identity).Through(relu);
    }
}
