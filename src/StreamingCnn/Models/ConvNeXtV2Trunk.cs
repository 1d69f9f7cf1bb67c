using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The sizes of <see cref="ConvNeXtV2Trunk"/>.</summary>
public enum ConvNeXtV2Size
{
    /// <summary>Stages of 2, 2, 6 and 2 blocks; 40 to 320 channels.</summary>
    Atto,

    /// <summary>Stages of 2, 2, 6 and 2 blocks; 48 to 384 channels.</summary>
    Femto,

    /// <summary>Stages of 2, 2, 6 and 2 blocks; 64 to 512 channels.</summary>
    Pico,

    /// <summary>Stages of 2, 2, 8 and 2 blocks; 80 to 640 channels.</summary>
    Nano,

    /// <summary>Stages of 3, 3, 9 and 3 blocks; 96 to 768 channels.</summary>
    Tiny,
}

/// <summary>
/// A ConvNeXt V2 without its classifier (Woo et al., arXiv 2301.00808), with timm's structure and parameter names
/// (<c>stages.0.blocks.0.mlp.grn.weight</c>), so that its checkpoints load. The output has a 32nd of the image's height and width.
/// </summary>
/// <remarks>Each of its blocks looks at the whole map, for global response normalisation, so it is streamed in stages.</remarks>
public sealed class ConvNeXtV2Trunk : StreamingBlock, IClassifiedTrunk
{
    private const double Deviation = 0.02;

    private readonly Sequential stem;
    private readonly Sequential stages;

    /// <summary>Creates the trunk with timm's initialisation.</summary>
    /// <param name="size">Which one.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="stochasticDepth">Probability that training drops the last block; it rises evenly from 0 for the first.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such size, no channel, or a probability is outside 0 to 1.</exception>
    public ConvNeXtV2Trunk(ConvNeXtV2Size size, int inputChannels = 3, double stochasticDepth = 0)
        : base(nameof(ConvNeXtV2Trunk))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(stochasticDepth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(stochasticDepth, 1);
        var (width, depths) = size switch
        {
            ConvNeXtV2Size.Atto => (40, (int[])[2, 2, 6, 2]),
            ConvNeXtV2Size.Femto => (48, [2, 2, 6, 2]),
            ConvNeXtV2Size.Pico => (64, [2, 2, 6, 2]),
            ConvNeXtV2Size.Nano => (80, [2, 2, 8, 2]),
            ConvNeXtV2Size.Tiny => (96, [3, 3, 9, 3]),
            _ => throw new ArgumentOutOfRangeException(
                nameof(size), size, "There is no ConvNeXt V2 of that size; choose Atto, Femto, Pico, Nano or Tiny."),
        };
        stem = Sequential(Conv2d(inputChannels, width, 4, stride: 4), new ChannelLayerNorm(width));
        var drop = new RisingProbability(stochasticDepth, depths.Sum());
        var made = new List<Module<Tensor, Tensor>>();
        for (var i = 0; i < depths.Length; i++)
        {
            var channels = (long)width << i;
            var blocks = ("blocks", (Module<Tensor, Tensor>)Sequential(Enumerable.Range(0, depths[i])
                .Select(_ => new ConvNeXtV2Block(channels, isConvolution: size != ConvNeXtV2Size.Tiny, drop.Next()))
                .ToArray()));
            made.Add(i == 0
                ? Sequential(blocks)
                : Sequential(
                    ("downsample", Sequential(new ChannelLayerNorm(channels / 2), Conv2d(channels / 2, channels, 2, stride: 2))),
                    blocks));
        }

        stages = Sequential(made);
        OutputChannels = (long)width << (depths.Length - 1);
        RegisterComponents();
        foreach (var module in modules())
        {
            if (module is Linear linear)
                NetworkClassifier.Normal(linear, Deviation);
            if (module is Conv2d convolution)
            {
                init.normal_(convolution.weight, 0, Deviation);
                init.zeros_(convolution.bias!);
            }
        }
    }

    /// <summary>Channels of the output: 320 to 768.</summary>
    public long OutputChannels { get; }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(stem).Through(stages);
    }

    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> IClassifiedTrunk.Head(long classes) =>
    [
        ("head", Sequential(
            ("global_pool", AdaptiveAvgPool2d(1)),
            ("norm", new ChannelLayerNorm(OutputChannels)),
            ("flatten", Flatten()),
            ("fc", NetworkClassifier.Normal(Linear(OutputChannels, classes), Deviation)))),
    ];
}
