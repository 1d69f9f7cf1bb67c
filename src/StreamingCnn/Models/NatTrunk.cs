using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The sizes of <see cref="NatTrunk"/>.</summary>
public enum NatSize
{
    /// <summary>Levels of 3, 4, 6 and 5 blocks; 64 to 512 channels.</summary>
    Mini,

    /// <summary>Levels of 3, 4, 18 and 5 blocks; 64 to 512 channels.</summary>
    Tiny,
}

/// <summary>
/// A Neighbourhood Attention Transformer without its classifier (Hassani et al., arXiv 2204.07143), with the original's structure and
/// parameter names (<c>levels.0.blocks.0.attn.rpb</c>), so that its checkpoints load. The output has a 32nd of the image's height and
/// width.
/// </summary>
/// <remarks>Each position looks at 7 x 7 around it, so it is streamed and trained whole, in training mode too.</remarks>
public sealed class NatTrunk : StreamingBlock, IClassifiedTrunk
{
    /// <summary>Added to the variance by all its norms.</summary>
    internal const double Eps = 1e-5;

    private const double Deviation = 0.02;
    private const long Window = 7;
    private const long Width = 64;
    private const long Expansion = 3;
    private const long FirstHeads = 2;

    [ComponentName(Name = "patch_embed")]
    private readonly Sequential patchEmbed;

    private readonly Sequential levels;
    private readonly ChannelLayerNorm norm;

    /// <summary>Creates the trunk with the original's initialisation.</summary>
    /// <param name="size">Which one.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="stochasticDepth">
    /// Probability that training drops the parts of the last block; it rises evenly from 0 for the first.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such size, no channel, or a probability is outside 0 to 1.</exception>
    public NatTrunk(NatSize size, int inputChannels = 3, double stochasticDepth = 0.2)
        : base(nameof(NatTrunk))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(stochasticDepth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(stochasticDepth, 1);
        int[] depths = size switch
        {
            NatSize.Mini => [3, 4, 6, 5],
            NatSize.Tiny => [3, 4, 18, 5],
            _ => throw new ArgumentOutOfRangeException(
                nameof(size), size, "There is no Neighbourhood Attention Transformer of that size; choose Mini or Tiny."),
        };
        patchEmbed = Sequential(
            ("proj", Sequential(
                Conv2d(inputChannels, Width / 2, 3, stride: 2, padding: 1), Conv2d(Width / 2, Width, 3, stride: 2, padding: 1))),
            ("norm", new ChannelLayerNorm(Width, Eps)));
        var drop = new RisingProbability(stochasticDepth, depths.Sum());
        var made = new List<Module<Tensor, Tensor>>();
        for (var i = 0; i < depths.Length; i++)
        {
            var (channels, heads) = (Width << i, FirstHeads << i);
            var blocks = ("blocks", (Module<Tensor, Tensor>)Sequential(Enumerable.Range(0, depths[i])
                .Select(_ => new NatBlock(channels, heads, Window, Expansion, drop.Next()))
                .ToArray()));
            made.Add(i == depths.Length - 1
                ? Sequential(blocks)
                : Sequential(
                    blocks,
                    ("downsample", Sequential(
                        ("reduction", Conv2d(channels, 2 * channels, 3, stride: 2, padding: 1, bias: false)),
                        ("norm", new ChannelLayerNorm(2 * channels, Eps))))));
        }

        levels = Sequential(made);
        OutputChannels = Width << (depths.Length - 1);
        norm = new ChannelLayerNorm(OutputChannels, Eps);
        RegisterComponents();
        foreach (var linear in modules().OfType<Linear>())
            NetworkClassifier.Normal(linear, Deviation);
    }

    /// <summary>Channels of the output: 512.</summary>
    public long OutputChannels { get; }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(patchEmbed).Through(levels).Through(norm);
    }

    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> IClassifiedTrunk.Head(long classes) =>
    [
        ("avgpool", AdaptiveAvgPool2d(1)),
        ("flatten", Flatten()),
        ("head", NetworkClassifier.Normal(Linear(OutputChannels, classes), Deviation)),
    ];
}
