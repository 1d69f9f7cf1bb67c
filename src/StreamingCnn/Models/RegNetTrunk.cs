using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The sizes of <see cref="RegNetTrunk"/>, by multiplications and additions for an image of 224 x 224 pixels.</summary>
public enum RegNetSize
{
    /// <summary>400 million: 16 blocks, 440 channels.</summary>
    Y400MF,

    /// <summary>800 million: 14 blocks, 784 channels.</summary>
    Y800MF,

    /// <summary>1.6 thousand million: 27 blocks, 888 channels.</summary>
    Y1600MF,

    /// <summary>3.2 thousand million: 21 blocks, 1512 channels.</summary>
    Y3200MF,
}

/// <summary>
/// A RegNetY without its classifier (Radosavovic et al., arXiv 2003.13678), with torchvision's structure and parameter names
/// (<c>trunk_output.block1.block1-0.f.a.0.weight</c>), so that its checkpoints load. The output has a 32nd of the image's height and width.
/// </summary>
/// <remarks>Each of its blocks has a gate that looks at the whole map, so it is streamed in stages, in evaluation mode too.</remarks>
public sealed class RegNetTrunk : StreamingBlock, IClassifiedTrunk
{
    private const long ChannelsOfTheStem = 32;
    private const double DeviationOfTheClassifier = 0.01;

    private readonly Sequential stem;

    [ComponentName(Name = "trunk_output")]
    private readonly Sequential stages;

    /// <summary>Creates the trunk with torchvision's initialisation.</summary>
    /// <param name="size">Which one.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="norm">How it normalises; it is published with batch norm. Groups are of eight channels.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such size or norm, or no channel.</exception>
    public RegNetTrunk(RegNetSize size, int inputChannels = 3, NormKind norm = NormKind.Frozen)
        : base(nameof(RegNetTrunk))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        var (depths, widths, group) = size switch
        {
            RegNetSize.Y400MF => ((int[])[1, 3, 6, 6], (long[])[48, 104, 208, 440], 8L),
            RegNetSize.Y800MF => ([1, 3, 8, 2], [64, 144, 320, 784], 16),
            RegNetSize.Y1600MF => ([2, 6, 17, 2], [48, 120, 336, 888], 24),
            RegNetSize.Y3200MF => ([2, 5, 13, 1], [72, 216, 576, 1512], 24),
            _ => throw new ArgumentOutOfRangeException(
                nameof(size), size, "There is no RegNetY of that size; choose Y400MF, Y800MF, Y1600MF or Y3200MF."),
        };
        var norms = NetworkNorm.InEights(norm);
        stem = norms.Behind(inputChannels, ChannelsOfTheStem, 3, ReLU(), stride: 2);
        var channels = ChannelsOfTheStem;
        stages = Sequential(depths.Index().Select(stage => ($"block{stage.Index + 1}", (Module<Tensor, Tensor>)Stage(stage.Index))));
        OutputChannels = channels;
        RegisterComponents();

        Sequential Stage(int index)
        {
            var blocks = new List<(string, Module<Tensor, Tensor>)>();
            for (var i = 0; i < depths[index]; i++)
            {
                blocks.Add(($"block{index + 1}-{i}", new RegNetBlock(channels, widths[index], i == 0 ? 2 : 1, group, norms)));
                channels = widths[index];
            }

            return Sequential(blocks);
        }
    }

    /// <summary>Channels of the output: 440 to 1512.</summary>
    public long OutputChannels { get; }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(stem).Through(stages);
    }

    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> IClassifiedTrunk.Head(long classes) =>
        NetworkClassifier.Linear(OutputChannels, classes, DeviationOfTheClassifier);
}
