using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The sizes of <see cref="SwinTrunk"/>.</summary>
public enum SwinSize
{
    /// <summary>Stages of 2, 2, 6 and 2 blocks; 96 to 768 channels.</summary>
    Tiny,

    /// <summary>Stages of 2, 2, 18 and 2 blocks; 96 to 768 channels.</summary>
    Small,
}

/// <summary>
/// A Swin Transformer without its classifier (Liu et al., arXiv 2103.14030), with torchvision's structure and parameter names
/// (<c>features.1.0.attn.qkv.weight</c>), so that its checkpoints load. The output has a 32nd of the image's height and width.
/// </summary>
/// <remarks>
/// All that it looks at lies within windows of 7 x 7 positions of a map, so it is streamed and trained whole, in training mode too. Where
/// windows stand follows from the place in the image, and at its border from its size, as torchvision has it.
/// </remarks>
public sealed class SwinTrunk : StreamingBlock, IClassifiedTrunk
{
    /// <summary>Added to the variance by all its norms.</summary>
    internal const double Eps = 1e-5;

    private const double Deviation = 0.02;
    private const long Window = 7;
    private const long Width = 96;

    private static readonly long[] Heads = [3, 6, 12, 24];

    private readonly Sequential features;
    private readonly ChannelLayerNorm norm;

    /// <summary>Creates the trunk with torchvision's initialisation.</summary>
    /// <param name="size">Which one.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="stochasticDepth">
    /// Probability that training drops the parts of the last block; it rises evenly from 0 for the first. Null for torchvision's: 0.2
    /// (tiny), 0.3 (small).
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such size, no channel, or a probability is outside 0 to 1.</exception>
    public SwinTrunk(SwinSize size, int inputChannels = 3, double? stochasticDepth = null)
        : base(nameof(SwinTrunk))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        var (depths, usual) = size switch
        {
            SwinSize.Tiny => ((int[])[2, 2, 6, 2], 0.2),
            SwinSize.Small => ([2, 2, 18, 2], 0.3),
            _ => throw new ArgumentOutOfRangeException(
                nameof(size), size, "There is no Swin Transformer of that size; choose Tiny or Small."),
        };
        var probability = stochasticDepth ?? usual;
        ArgumentOutOfRangeException.ThrowIfNegative(probability, nameof(stochasticDepth));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(probability, 1, nameof(stochasticDepth));

        var drop = new RisingProbability(probability, depths.Sum());
        // Number 1 is torchvision's permutation to channels last, which layers at each pixel do not need.
        var stages = new List<Module<Tensor, Tensor>>
        {
            Sequential(("0", Conv2d(inputChannels, Width, 4, stride: 4)), ("2", new ChannelLayerNorm(Width, Eps))),
        };
        for (var i = 0; i < depths.Length; i++)
        {
            var channels = Width << i;
            if (i > 0)
                stages.Add(new PatchMerging(channels / 2));
            stages.Add(
                Sequential(
                    Enumerable.Range(0, depths[i])
                        .Select(block => new SwinBlock(
                            channels, Heads[i], Window, block % 2 == 0 ? 0 : Window / 2, drop.Next()))
                        .ToArray()));
        }

        features = Sequential(stages);
        OutputChannels = Width << (depths.Length - 1);
        norm = new ChannelLayerNorm(OutputChannels, Eps);
        RegisterComponents();
        // Torchvision truncates the normal distribution at a hundred deviations, which is not at all.
        foreach (var linear in modules().OfType<Linear>())
            NetworkClassifier.Normal(linear, Deviation);
    }

    /// <summary>Channels of the output: 768.</summary>
    public long OutputChannels { get; }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(features).Through(norm);
    }

    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> IClassifiedTrunk.Head(long classes) =>
    [
        ("avgpool", AdaptiveAvgPool2d(1)),
        ("flatten", Flatten()),
        ("head", NetworkClassifier.Normal(Linear(OutputChannels, classes), Deviation)),
    ];
}
