using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A residual network without its head (He et al., arXiv 1512.03385), from <c>conv1</c> to <c>layer4</c>, with torchvision's structure and
/// parameter names, so that its checkpoints load. The output has a 32nd of the image's height and width.
/// </summary>
/// <remarks>
/// In training mode batch normalisation takes the statistics of the images in the call, for which the whole map is looked at. With few
/// images set <see cref="StreamingOptions.FrozenBatchNorm"/>: weight and bias of the normalisation are trained all the same; or choose
/// group normalisation.
/// </remarks>
public sealed class ResNetTrunk : StreamingBlock, IClassifiedTrunk, IStagedTrunk
{
    private readonly ResidualNorms norms;
    private readonly Conv2d conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly ReLU relu = ReLU();
    private readonly MaxPool2d maxpool = MaxPool2d(3, 2, 1);
    private readonly Sequential layer1;
    private readonly Sequential layer2;
    private readonly Sequential layer3;
    private readonly Sequential layer4;

    /// <summary>Creates the trunk with torchvision's initialisation.</summary>
    /// <param name="depth">18, 34, 50, 101 or 152.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="batchNorm">Whether convolutions are followed by batch normalisation; without it they have a bias.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no residual network of that depth, or no channel.</exception>
    public ResNetTrunk(int depth, int inputChannels = 3, bool batchNorm = true)
        : this(
            depth, inputChannels, new ResidualNorms(batchNorm ? NetworkNorm.InGroupsOf32(NormKind.Batch) : null, Standardised: false), 32)
    {
    }

    /// <summary>Creates the trunk with another normalisation, with torchvision's initialisation.</summary>
    /// <param name="depth">18, 34, 50, 101 or 152.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="norm">How it normalises. Group normalisation has 32 groups; timm's <c>resnet50_gn</c> is depth 50 with it.</param>
    /// <param name="standardised">
    /// Whether the weights of convolutions are standardised: those of each output channel have mean 0 and variance 1 (Qiao et al., arXiv
    /// 1903.10520), which helps group normalisation. The parameters' names and shapes stay as they are.
    /// </param>
    /// <param name="outputStride">
    /// Pixels of the image for each position of the output along a side: 32, or 16 or 8, for which the last strides are replaced by
    /// dilation, as networks for dense prediction have it. Those of depth 18 and 34 have no dilation.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There is no residual network of that depth, no such norm, no channel, or no such stride of the output.
    /// </exception>
    public ResNetTrunk(int depth, int inputChannels, NormKind norm, bool standardised = false, int outputStride = 32)
        : this(depth, inputChannels, new ResidualNorms(NetworkNorm.InGroupsOf32(norm), standardised), outputStride)
    {
    }

    private ResNetTrunk(int depth, int inputChannels, ResidualNorms norms, int outputStride)
        : base(nameof(ResNetTrunk))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        var (blocks, bottleneck) = depth switch
        {
            18 => ((int[])[2, 2, 2, 2], false),
            34 => ([3, 4, 6, 3], false),
            50 => ([3, 4, 6, 3], true),
            101 => ([3, 4, 23, 3], true),
            152 => ([3, 8, 36, 3], true),
            _ => throw new ArgumentOutOfRangeException(
                nameof(depth), depth, "There is no residual network of that depth; choose 18, 34, 50, 101 or 152."),
        };

        if (outputStride != 32 && !(bottleneck && outputStride is 8 or 16))
        {
            throw new ArgumentOutOfRangeException(
                nameof(outputStride),
                outputStride,
                "The output's stride is 32; for depth 50, 101 and 152 it may be 16 or 8.");
        }

        this.norms = norms;
        (conv1, bn1) = norms.Behind(inputChannels, 64, 7, 2);
        var (channels, reached, dilation) = (64L, 4L, 1L);
        layer1 = Stage(64, blocks[0], 1);
        layer2 = Stage(128, blocks[1], 2);
        layer3 = Stage(256, blocks[2], 2);
        layer4 = Stage(512, blocks[3], 2);
        OutputChannels = channels;
        StageChannels = [channels / 8, channels / 4, channels / 2, channels];
        RegisterComponents();
        foreach (var convolution in modules().OfType<Conv2d>())
            init.kaiming_normal_(convolution.weight, mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU);

        Sequential Stage(long width, int count, long stride)
        {
            var stage = new List<Module<Tensor, Tensor>>();
            // A stride beyond the wanted one becomes dilation, from the next convolution on.
            var (isReplaced, first) = (reached * stride > outputStride, dilation);
            if (isReplaced)
                (dilation, stride) = (dilation * stride, 1);
            reached *= stride;
            for (var i = 0; i < count; i++)
            {
                var block = new ResidualBlock(channels, width, i == 0 ? stride : 1, bottleneck, norms, i == 0 ? first : dilation);
                channels = block.OutputChannels;
                stage.Add(block);
            }

            return Sequential(stage);
        }
    }

    /// <summary>Channels of the output: 512, or 2048 from depth 50 on.</summary>
    public long OutputChannels { get; }

    IReadOnlyList<long> IStagedTrunk.StageChannels => StageChannels;

    private long[] StageChannels { get; }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Stages(input)[^1];
    }

    IReadOnlyList<FeatureMap> IStagedTrunk.Stages(FeatureMap input) => Stages(input);

    private FeatureMap[] Stages(FeatureMap input)
    {
        var first = norms.Apply(conv1, input).Through(bn1).Through(relu).Through(maxpool).Through(layer1);
        var second = first.Through(layer2);
        var third = second.Through(layer3);
        return [first, second, third, third.Through(layer4)];
    }

    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> IClassifiedTrunk.Head(long classes) =>
        NetworkClassifier.Linear(OutputChannels, classes);
}
