using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// The pyramid of dilated convolutions of DeepLabV3, with the whole map's mean beside them, joined to 256 channels; torchvision's names.
/// </summary>
internal sealed class PooledPyramid : StreamingBlock
{
    /// <summary>Channels of the output.</summary>
    public const long Channels = 256;

    private const double Dropped = 0.5;
    private static readonly long[] Rates = [12, 24, 36];

    private readonly ModuleList<Sequential> convs;
    private readonly Sequential project;

    /// <param name="inputs">Channels of the map.</param>
    /// <param name="norms">Its norms.</param>
    public PooledPyramid(long inputs, NetworkNorm norms)
        : base(nameof(PooledPyramid))
    {
        convs = ModuleList<Sequential>(
        [
            Sequential(norms.Layers(inputs, Channels, 1)),
            .. Rates.Select(rate => Sequential(norms.Layers(inputs, Channels, 3, rate))),
            Sequential([AdaptiveAvgPool2d(1), .. norms.Layers(inputs, Channels, 1)]),
        ]);
        project = Sequential([.. norms.Layers((Rates.Length + 2) * Channels, Channels, 1), Dropout(Dropped)]);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        Module<Tensor, Tensor>[] pooled = [.. convs[^1].children().Cast<Module<Tensor, Tensor>>()];
        // One position interpolated is the same everywhere. Its norm works on the map of it: a norm alone would be called in training mode.
        var mean = input.Filled(input.Pooled(pooled[0]).Through(pooled[1]), Channels).Through(pooled[2]).Through(pooled[3]);
        return FeatureMap.Concat([.. convs.SkipLast(1).Select(input.Through), mean]).Through(project);
    }
}
