using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The sizes of <see cref="MobileNetV3Trunk"/>.</summary>
public enum MobileNetV3Size
{
    /// <summary>11 blocks, 576 channels.</summary>
    Small,

    /// <summary>15 blocks, 960 channels.</summary>
    Large,
}

/// <summary>
/// A MobileNetV3 without its classifier (Howard et al., arXiv 1905.02244), with torchvision's structure and parameter names
/// (<c>features.0.0.weight</c>), so that its checkpoints load. The output has a 32nd of the image's height and width.
/// </summary>
/// <remarks>Most of its blocks have a gate that looks at the whole map, so it is streamed in stages, in evaluation mode too.</remarks>
public sealed class MobileNetV3Trunk : StreamingBlock, IClassifiedTrunk, IStagedTrunk
{
    private const long ChannelsOfTheStem = 16;

    // Channels of the gate's middle, as a part of the depthwise convolution's.
    private const double Squeeze = 4;
    private const long StrideOfTheLastStage = 32;
    private const double Eps = 1e-3;
    private const double Momentum = 0.01;
    private const double DropoutOfTheClassifier = 0.2;
    private const double DeviationOfTheClassifier = 0.01;

    private static readonly BlockRow[] Small =
    [
        new(3, 16, 16, true, false, 2), new(3, 72, 24, false, false, 2), new(3, 88, 24, false, false), new(5, 96, 40, true, true, 2),
        new(5, 240, 40, true, true), new(5, 240, 40, true, true), new(5, 120, 48, true, true), new(5, 144, 48, true, true),
        new(5, 288, 96, true, true, 2), new(5, 576, 96, true, true), new(5, 576, 96, true, true),
    ];

    private static readonly BlockRow[] Large =
    [
        new(3, 16, 16, false, false), new(3, 64, 24, false, false, 2), new(3, 72, 24, false, false), new(5, 72, 40, true, false, 2),
        new(5, 120, 40, true, false), new(5, 120, 40, true, false), new(3, 240, 80, false, true, 2), new(3, 200, 80, false, true),
        new(3, 184, 80, false, true), new(3, 184, 80, false, true), new(3, 480, 112, true, true), new(3, 672, 112, true, true),
        new(5, 672, 160, true, true, 2), new(5, 960, 160, true, true), new(5, 960, 160, true, true),
    ];

    private readonly Sequential features;
    private readonly long hidden;
    private readonly List<(int Layer, long Channels)> stages;

    /// <summary>Creates the trunk with torchvision's initialisation.</summary>
    /// <param name="size">Which one.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="norm">How it normalises; it is published with batch norm. Groups are of eight channels.</param>
    /// <param name="dilated">
    /// Whether the last stride is replaced by dilation, as networks for dense prediction have it: the output then has a 16th of the
    /// image's height and width.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such size or norm, or no channel.</exception>
    public MobileNetV3Trunk(MobileNetV3Size size, int inputChannels = 3, NormKind norm = NormKind.Frozen, bool dilated = false)
        : base(nameof(MobileNetV3Trunk))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        (var rows, hidden) = size switch
        {
            MobileNetV3Size.Small => (Small, 1024),
            MobileNetV3Size.Large => (Large, 1280),
            _ => throw new ArgumentOutOfRangeException(nameof(size), size, "There is no MobileNetV3 of that size; choose Small or Large."),
        };
        var norms = NetworkNorm.InEights(norm, Eps, Momentum);
        var (channels, stride) = (ChannelsOfTheStem, 2L);
        var ends = new List<(int Layer, long Channels)>();
        var layers = new List<Module<Tensor, Tensor>> { norms.Behind(inputChannels, channels, 3, Hardswish(), stride: 2) };
        foreach (var row in rows)
        {
            if (row.Stride > 1)
                ends.Add((layers.Count - 1, channels));
            stride *= row.Stride;
            var isLast = stride == StrideOfTheLastStage;
            layers.Add(new InvertedResidual(
                new(
                    channels,
                    row.Expanded,
                    row.Outputs,
                    row.Kernel,
                    row.Stride,
                    row.IsGated ? InvertedResidual.InEights(row.Expanded / Squeeze) : 0,
                    dilated && isLast ? 2 : 1),
                norms,
                () => row.IsHard ? Hardswish() : ReLU(),
                (gated, squeezed) => new SqueezeExcite(gated, squeezed, ReLU(), Hardsigmoid())));
            channels = row.Outputs;
        }

        OutputChannels = 6 * channels;
        ends.Add((layers.Count, OutputChannels));
        layers.Add(norms.Behind(channels, OutputChannels, 1, Hardswish()));
        // Those of a fourth of the image's sides and below.
        stages = ends[1..];
        features = Sequential(layers);
        RegisterComponents();
    }

    /// <summary>Channels of the output: 576 or 960.</summary>
    public long OutputChannels { get; }

    IReadOnlyList<long> IStagedTrunk.StageChannels => [.. stages.Select(stage => stage.Channels)];

    /// <summary>The layers, by torchvision's numbers.</summary>
    internal Sequential Features => features;

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(features);
    }

    IReadOnlyList<FeatureMap> IStagedTrunk.Stages(FeatureMap input)
    {
        var maps = new List<FeatureMap>();
        foreach (var (index, layer) in features.children().Index())
        {
            input = input.Through((Module<Tensor, Tensor>)layer);
            if (stages.Any(stage => stage.Layer == index))
                maps.Add(input);
        }

        return maps;
    }

    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> IClassifiedTrunk.Head(long classes) =>
    [
        ("avgpool", AdaptiveAvgPool2d(1)),
        ("flatten", Flatten()),
        ("classifier", Sequential(
            NetworkClassifier.Normal(Linear(OutputChannels, hidden), DeviationOfTheClassifier),
            Hardswish(),
            Dropout(DropoutOfTheClassifier),
            NetworkClassifier.Normal(Linear(hidden, classes), DeviationOfTheClassifier))),
    ];

    /// <summary>A block, as the paper's tables list it.</summary>
    private readonly record struct BlockRow(long Kernel, long Expanded, long Outputs, bool IsGated, bool IsHard, long Stride = 1);
}
