using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The sizes of <see cref="ConvNeXtTrunk"/>.</summary>
public enum ConvNeXtSize
{
    /// <summary>Stages of 3, 3, 9 and 3 blocks; 96 to 768 channels.</summary>
    Tiny,

    /// <summary>Stages of 3, 3, 27 and 3 blocks; 96 to 768 channels.</summary>
    Small,
}

/// <summary>
/// A ConvNeXt without its classifier (Liu et al., "A ConvNet for the 2020s", arXiv 2201.03545), with torchvision's structure and parameter
/// names (<c>features.0.0.weight</c>), so that its checkpoints load. The output has a 32nd of the image's height and width.
/// </summary>
/// <remarks>All its normalisation is over the channels of each pixel, so it is streamed and trained whole, in training mode too.</remarks>
public sealed class ConvNeXtTrunk : StreamingBlock, IClassifiedTrunk
{
    private const double Deviation = 0.02;

    private static readonly long[] Widths = [96, 192, 384, 768];

    private readonly Sequential features;

    /// <summary>Creates the trunk with torchvision's initialisation.</summary>
    /// <param name="size">Which one.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="stochasticDepth">
    /// Probability that training drops the last block; it rises evenly from 0 for the first. Null for torchvision's: 0.1 (tiny), 0.4
    /// (small).
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such size, no channel, or a probability is outside 0 to 1.</exception>
    public ConvNeXtTrunk(ConvNeXtSize size, int inputChannels = 3, double? stochasticDepth = null)
        : base(nameof(ConvNeXtTrunk))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        var (counts, usual) = size switch
        {
            ConvNeXtSize.Tiny => ((int[])[3, 3, 9, 3], 0.1),
            ConvNeXtSize.Small => ([3, 3, 27, 3], 0.4),
            _ => throw new ArgumentOutOfRangeException(nameof(size), size, "There is no ConvNeXt of that size; choose Tiny or Small."),
        };
        var probability = stochasticDepth ?? usual;
        ArgumentOutOfRangeException.ThrowIfNegative(probability, nameof(stochasticDepth));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(probability, 1, nameof(stochasticDepth));

        var drop = new RisingProbability(probability, counts.Sum());
        var stages = new List<Module<Tensor, Tensor>>
        {
            Sequential(Conv2d(inputChannels, Widths[0], 4, stride: 4), new ChannelLayerNorm(Widths[0])),
        };
        for (var i = 0; i < counts.Length; i++)
        {
            if (i > 0)
                stages.Add(Sequential(new ChannelLayerNorm(Widths[i - 1]), Conv2d(Widths[i - 1], Widths[i], 2, stride: 2)));
            stages.Add(
                Sequential(
                    Enumerable.Range(0, counts[i])
                        .Select(_ => new ConvNeXtBlock(Widths[i], drop.Next()))
                        .ToArray()));
        }

        features = Sequential(stages);
        RegisterComponents();
        foreach (var module in modules())
        {
            var (weight, bias) = module switch
            {
                Conv2d convolution => (convolution.weight, convolution.bias),
                Linear linear => (linear.weight, linear.bias),
                _ => (null, null),
            };
            if (weight is null)
                continue;
            // Torchvision truncates the normal distribution at a hundred deviations, which is not at all; TorchSharp's function for it puts
            // out numbers that are not finite.
            init.normal_(weight, 0, Deviation);
            init.zeros_(bias!);
        }
    }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(features);
    }

    long IKnownTrunk.OutputChannels => Widths[^1];

    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> IClassifiedTrunk.Head(long classes) =>
    [
        ("avgpool", AdaptiveAvgPool2d(1)),
        ("classifier", Sequential(
            new ChannelLayerNorm(Widths[^1]), Flatten(), NetworkClassifier.Normal(Linear(Widths[^1], classes), Deviation))),
    ];
}
