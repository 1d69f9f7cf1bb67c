using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>What stands on the trunk of <see cref="FullyConvolutional"/>.</summary>
public enum DenseHeadKind
{
    /// <summary>One convolution of three by three (Long et al., arXiv 1411.4038).</summary>
    Fcn,

    /// <summary>Dilated convolutions beside the whole map's mean (DeepLabV3; Chen et al., arXiv 1706.05587).</summary>
    DeepLabV3,
}

/// <summary>
/// DeepLabV3 or FCN on a dilated trunk, with torchvision's structure and parameter names (<c>backbone.conv1.weight</c>,
/// <c>classifier.4.weight</c>), so that its checkpoints load; without the auxiliary classifier.
/// </summary>
/// <remarks>The pyramid's pooling looks at the whole map, so that DeepLabV3 is streamed in stages.</remarks>
public sealed class FullyConvolutional : DenseNetwork
{
    private const double DroppedByFcn = 0.1;
    private const int Narrowing = 4;

    // Not a component by its own name: its layers are.
    private readonly Module<Tensor, Tensor> trunk;
    private readonly Sequential classifier;

    /// <summary>Creates the network on a residual network, whose output has an eighth of the image's height and width.</summary>
    /// <param name="kind">What stands on the trunk.</param>
    /// <param name="depth">50, 101 or 152.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="classes">Scores of each pixel; null for features.</param>
    /// <param name="norm">How it normalises.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head, depth or norm, no channel, or no class.</exception>
    public FullyConvolutional(
        DenseHeadKind kind, int depth, int inputChannels = 3, int? classes = null, NormKind norm = NormKind.Frozen)
        : this(kind, new ResNetTrunk(depth, inputChannels, norm, outputStride: 8), NetworkNorm.InGroupsOf32(norm), classes)
    {
    }

    /// <summary>Creates the network on MobileNetV3, whose output has a 16th of the image's height and width.</summary>
    /// <param name="kind">What stands on the trunk.</param>
    /// <param name="size">Which trunk.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="classes">Scores of each pixel; null for features.</param>
    /// <param name="norm">How it normalises.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head, size or norm, no channel, or no class.</exception>
    public FullyConvolutional(
        DenseHeadKind kind, MobileNetV3Size size, int inputChannels = 3, int? classes = null, NormKind norm = NormKind.Frozen)
        : this(kind, new MobileNetV3Trunk(size, inputChannels, norm, dilated: true), NetworkNorm.InEights(norm), classes)
    {
    }

    private FullyConvolutional(DenseHeadKind kind, Module<Tensor, Tensor> trunk, NetworkNorm norms, int? classes)
        : base(nameof(FullyConvolutional), classes)
    {
        this.trunk = trunk;
        var inputs = ((IKnownTrunk)trunk).OutputChannels;
        FeatureChannels = kind == DenseHeadKind.Fcn ? inputs / Narrowing : PooledPyramid.Channels;
        Module<Tensor, Tensor>[] head = kind switch
        {
            DenseHeadKind.DeepLabV3 =>
                [new PooledPyramid(inputs, norms), .. norms.Layers(PooledPyramid.Channels, PooledPyramid.Channels, 3)],
            DenseHeadKind.Fcn => [.. norms.Layers(inputs, FeatureChannels, 3), Dropout(DroppedByFcn)],
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such head; choose Fcn or DeepLabV3."),
        };
        classifier = Sequential(classes is { } count ? [.. head, Conv2d(FeatureChannels, count, 1)] : head);
        register_module("backbone", trunk is MobileNetV3Trunk mobile ? mobile.Features : trunk);
        register_module(nameof(classifier), classifier);
    }

    /// <inheritdoc/>
    public override long FeatureChannels { get; }

    /// <inheritdoc/>
    public override Module Backbone => trunk;

    private protected override FeatureMap Features(FeatureMap image)
    {
        var layers = classifier.children().Cast<Module<Tensor, Tensor>>();
        return (Classes is null ? layers : layers.SkipLast(1)).Aggregate(image.Through(trunk), (map, layer) => map.Through(layer));
    }

    private protected override FeatureMap Scores(FeatureMap features) =>
        features.Through((Module<Tensor, Tensor>)classifier.children().Last());
}
