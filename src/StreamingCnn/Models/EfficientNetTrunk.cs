using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The sizes of <see cref="EfficientNetTrunk"/>.</summary>
public enum EfficientNetSize
{
    /// <summary>16 blocks, 1280 channels.</summary>
    B0,

    /// <summary>23 blocks, 1280 channels.</summary>
    B1,

    /// <summary>23 blocks, 1408 channels.</summary>
    B2,

    /// <summary>26 blocks, 1536 channels.</summary>
    B3,
}

/// <summary>
/// An EfficientNet without its classifier (Tan and Le, arXiv 1905.11946), with torchvision's structure and parameter names
/// (<c>features.0.0.weight</c>), so that its checkpoints load. The output has a 32nd of the image's height and width.
/// </summary>
/// <remarks>Each of its blocks has a gate that looks at the whole map, so it is streamed in stages, in evaluation mode too.</remarks>
public sealed class EfficientNetTrunk : StreamingBlock, IClassifiedTrunk
{
    private const long ChannelsOfTheStem = 32;

    // Channels of the gate's middle, as a part of the block's input.
    private const long Squeeze = 4;

    // Factor of channels, kernel, stride, outputs, blocks; of the smallest network.
    private static readonly (long Expansion, long Kernel, long Stride, long Outputs, int Blocks)[] Stages =
    [
        (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
    ];

    private readonly Sequential features;
    private readonly double dropout;

    /// <summary>Creates the trunk with torchvision's initialisation.</summary>
    /// <param name="size">Which one.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="norm">How it normalises; it is published with batch norm. Groups are of eight channels.</param>
    /// <param name="stochasticDepth">Probability that training drops the last block; it rises evenly from 0 for the first.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There is no such size or norm, no channel, or a probability is outside 0 to 1.
    /// </exception>
    public EfficientNetTrunk(
        EfficientNetSize size, int inputChannels = 3, NormKind norm = NormKind.Frozen, double stochasticDepth = 0.2)
        : base(nameof(EfficientNetTrunk))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(stochasticDepth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(stochasticDepth, 1);
        var (width, depth, share) = size switch
        {
            EfficientNetSize.B0 => (1.0, 1.0, 0.2),
            EfficientNetSize.B1 => (1.0, 1.1, 0.2),
            EfficientNetSize.B2 => (1.1, 1.2, 0.3),
            EfficientNetSize.B3 => (1.2, 1.4, 0.3),
            _ => throw new ArgumentOutOfRangeException(
                nameof(size), size, "There is no EfficientNet of that size; choose B0, B1, B2 or B3."),
        };
        dropout = share;
        var norms = NetworkNorm.InEights(norm);
        var channels = InvertedResidual.InEights(ChannelsOfTheStem * width);
        var layers = new List<Module<Tensor, Tensor>> { norms.Behind(inputChannels, channels, 3, SiLU(), stride: 2) };
        // Torchvision divides by the number of blocks, so that the last one stays below the given probability.
        var drop = new RisingProbability(stochasticDepth, 1 + Stages.Sum(stage => Deepened(stage.Blocks)));
        foreach (var (expansion, kernel, stride, outputs, blocks) in Stages)
        {
            var stage = new List<Module<Tensor, Tensor>>();
            for (var i = 0; i < Deepened(blocks); i++)
            {
                var wide = InvertedResidual.InEights(outputs * width);
                stage.Add(new InvertedResidual(
                    new(channels, channels * expansion, wide, kernel, i == 0 ? stride : 1, Math.Max(1, channels / Squeeze)),
                    norms,
                    () => SiLU(),
                    (gated, squeezed) => new SqueezeExcite(gated, squeezed, SiLU(), Sigmoid()),
                    drop.Next()));
                channels = wide;
            }

            layers.Add(Sequential(stage));
        }

        OutputChannels = 4 * channels;
        layers.Add(norms.Behind(channels, OutputChannels, 1, SiLU()));
        features = Sequential(layers);
        RegisterComponents();

        int Deepened(int blocks) => (int)Math.Ceiling(blocks * depth);
    }

    /// <summary>Channels of the output: 1280 to 1536.</summary>
    public long OutputChannels { get; }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(features);
    }

    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> IClassifiedTrunk.Head(long classes)
    {
        var linear = Linear(OutputChannels, classes);
        init.uniform_(linear.weight, -1 / Math.Sqrt(classes), 1 / Math.Sqrt(classes));
        init.zeros_(linear.bias!);
        return [("avgpool", AdaptiveAvgPool2d(1)), ("flatten", Flatten()), ("classifier", Sequential(Dropout(dropout), linear))];
    }
}
