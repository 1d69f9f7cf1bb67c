using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// LR-ASPP on MobileNetV3 (Howard et al., arXiv 1905.02244), with torchvision's structure and parameter names
/// (<c>backbone.0.0.weight</c>, <c>classifier.cbr.0.weight</c>), so that its checkpoints load. Its features have an eighth of the image's
/// height and width.
/// </summary>
/// <remarks>The gate of its head looks at the whole map, as those of the trunk do, so that it is streamed in stages.</remarks>
public sealed class LiteReducedPyramid : DenseNetwork
{
    private const long Channels = 128;

    // Torchvision reads the first map of an eighth of the image's sides, not the last one.
    private const int LowLayerOfLarge = 4;
    private const int LowLayerOfSmall = 2;

    private readonly MobileNetV3Trunk trunk;
    private readonly Head classifier;
    private readonly int low;
    private readonly long lowChannels;

    /// <summary>Creates the network with fresh weights.</summary>
    /// <param name="size">Which trunk.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="classes">Scores of each pixel; null for features.</param>
    /// <param name="norm">How it normalises. Groups are of eight channels.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such size or norm, no channel, or no class.</exception>
    public LiteReducedPyramid(MobileNetV3Size size, int inputChannels = 3, int? classes = null, NormKind norm = NormKind.Frozen)
        : base(nameof(LiteReducedPyramid), classes)
    {
        trunk = new MobileNetV3Trunk(size, inputChannels, norm, dilated: true);
        (low, lowChannels) = size == MobileNetV3Size.Large ? (LowLayerOfLarge, 40) : (LowLayerOfSmall, 24);
        classifier = new Head(lowChannels, trunk.OutputChannels, classes, NetworkNorm.InEights(norm));
        register_module("backbone", trunk.Features);
        register_module(nameof(classifier), classifier);
    }

    /// <inheritdoc/>
    public override long FeatureChannels => lowChannels + Channels;

    /// <inheritdoc/>
    public override Module Backbone => trunk;

    private protected override FeatureMap Features(FeatureMap image)
    {
        var maps = new List<FeatureMap> { image };
        foreach (var layer in trunk.Features.children().Cast<Module<Tensor, Tensor>>())
            maps.Add(maps[^1].Through(layer));
        var fine = maps[low + 1];
        return FeatureMap.Concat(fine, classifier.Coarse(maps[^1]).ResizedTo(fine));
    }

    private protected override FeatureMap Scores(FeatureMap features) =>
        classifier.Scores(features.Slice(0, lowChannels), features.Slice(lowChannels, Channels));

    /// <summary>The head's layers by torchvision's names.</summary>
    private sealed class Head : Module
    {
        private readonly Sequential cbr;
        private readonly Sequential scale;

        [ComponentName(Name = "low_classifier")]
        private readonly Conv2d? ofLow;

        [ComponentName(Name = "high_classifier")]
        private readonly Conv2d? ofHigh;

        public Head(long low, long high, int? classes, NetworkNorm norms)
            : base(nameof(Head))
        {
            cbr = Sequential(norms.Layers(high, Channels, 1));
            scale = Sequential(AdaptiveAvgPool2d(1), Conv2d(high, Channels, 1, bias: false), Sigmoid());
            if (classes is { } count)
                (ofLow, ofHigh) = (Conv2d(low, count, 1), Conv2d(Channels, count, 1));
            RegisterComponents();
        }

        public FeatureMap Coarse(FeatureMap map) => map.Through(cbr).Scale(map.Pooled(scale));

        public FeatureMap Scores(FeatureMap low, FeatureMap high) => low.Through(ofLow!) + high.Through(ofHigh!);
    }
}
