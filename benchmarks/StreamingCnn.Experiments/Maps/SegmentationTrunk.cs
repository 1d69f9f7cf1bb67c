using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Experiments.Maps;

/// <summary>
/// A small U-Net: four resolutions with two convolutions each, the way back up joined with what was on the way down, and one value for
/// each pixel at the end. After Ronneberger et al., arXiv 1505.04597, with zero padding.
/// </summary>
internal sealed class SegmentationTrunk : StreamingBlock
{
    private const int Levels = 4;
    private const int Narrowest = 8;

    private readonly Sequential[] down = new Sequential[Levels];
    private readonly Sequential[] up = new Sequential[Levels - 1];
    private readonly MaxPool2d halve = MaxPool2d(2);
    private readonly Upsample twice = Upsample(scale_factor: [2, 2]);
    private readonly Conv2d last = Conv2d(Narrowest, 1, 1);
    private readonly Sigmoid probability = Sigmoid();

    public SegmentationTrunk()
        : base(nameof(SegmentationTrunk))
    {
        for (var level = 0; level < Levels; level++)
        {
            down[level] = Block(level == 0 ? 3 : Channels(level - 1), Channels(level));
            register_module($"down{level}", down[level]);
        }

        for (var level = 0; level < Levels - 1; level++)
        {
            up[level] = Block(Channels(level) + Channels(level + 1), Channels(level));
            register_module($"up{level}", up[level]);
        }

        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var maps = new FeatureMap[Levels];
        for (var level = 0; level < Levels; level++)
            maps[level] = (level == 0 ? input : maps[level - 1].Through(halve)).Through(down[level]);
        var map = maps[^1];
        for (var level = Levels - 2; level >= 0; level--)
            map = FeatureMap.Concat(maps[level], map.Through(twice)).Through(up[level]);
        return map.Through(last).Through(probability);
    }

    private static long Channels(int level) => Narrowest << level;

    private static Sequential Block(long inputs, long outputs) =>
        Sequential(Conv2d(inputs, outputs, 3, padding: 1), ReLU(), Conv2d(outputs, outputs, 3, padding: 1), ReLU());
}
