using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The trunks that come with the library, by name.</summary>
public static class ModelCatalog
{
    private static readonly SortedDictionary<string, Entry> Entries = new(StringComparer.OrdinalIgnoreCase)
    {
        ["resnet18"] = new((channels, norm) => new ResNetTrunk(18, channels, norm)),
        ["resnet34"] = new((channels, norm) => new ResNetTrunk(34, channels, norm)),
        ["resnet50"] = new((channels, norm) => new ResNetTrunk(50, channels, norm)),
        ["resnet101"] = new((channels, norm) => new ResNetTrunk(101, channels, norm)),
        ["resnet152"] = new((channels, norm) => new ResNetTrunk(152, channels, norm)),
        ["resnet34-plain"] = Fixed(channels => new ResNetTrunk(34, channels, batchNorm: false)),
        ["resnet18-ws"] = Fixed(channels => new ResNetTrunk(18, channels, NormKind.Group, standardised: true)),
        ["resnet34-ws"] = Fixed(channels => new ResNetTrunk(34, channels, NormKind.Group, standardised: true)),
        ["resnet50-ws"] = Fixed(channels => new ResNetTrunk(50, channels, NormKind.Group, standardised: true)),
        ["convnext-tiny"] = Fixed(channels => new ConvNeXtTrunk(ConvNeXtSize.Tiny, channels)),
        ["convnext-small"] = Fixed(channels => new ConvNeXtTrunk(ConvNeXtSize.Small, channels)),
        ["convnextv2-atto"] = Fixed(channels => new ConvNeXtV2Trunk(ConvNeXtV2Size.Atto, channels)),
        ["convnextv2-femto"] = Fixed(channels => new ConvNeXtV2Trunk(ConvNeXtV2Size.Femto, channels)),
        ["convnextv2-pico"] = Fixed(channels => new ConvNeXtV2Trunk(ConvNeXtV2Size.Pico, channels)),
        ["convnextv2-nano"] = Fixed(channels => new ConvNeXtV2Trunk(ConvNeXtV2Size.Nano, channels)),
        ["convnextv2-tiny"] = Fixed(channels => new ConvNeXtV2Trunk(ConvNeXtV2Size.Tiny, channels)),
        ["efficientnet-b0"] = new((channels, norm) => new EfficientNetTrunk(EfficientNetSize.B0, channels, norm)),
        ["efficientnet-b1"] = new((channels, norm) => new EfficientNetTrunk(EfficientNetSize.B1, channels, norm)),
        ["efficientnet-b2"] = new((channels, norm) => new EfficientNetTrunk(EfficientNetSize.B2, channels, norm)),
        ["efficientnet-b3"] = new((channels, norm) => new EfficientNetTrunk(EfficientNetSize.B3, channels, norm)),
        ["mobilenetv3-small"] = new((channels, norm) => new MobileNetV3Trunk(MobileNetV3Size.Small, channels, norm)),
        ["mobilenetv3-large"] = new((channels, norm) => new MobileNetV3Trunk(MobileNetV3Size.Large, channels, norm)),
        ["regnety-400mf"] = new((channels, norm) => new RegNetTrunk(RegNetSize.Y400MF, channels, norm)),
        ["regnety-800mf"] = new((channels, norm) => new RegNetTrunk(RegNetSize.Y800MF, channels, norm)),
        ["regnety-1.6gf"] = new((channels, norm) => new RegNetTrunk(RegNetSize.Y1600MF, channels, norm)),
        ["regnety-3.2gf"] = new((channels, norm) => new RegNetTrunk(RegNetSize.Y3200MF, channels, norm)),
        ["swin-tiny"] = Fixed(channels => new SwinTrunk(SwinSize.Tiny, channels)),
        ["swin-small"] = Fixed(channels => new SwinTrunk(SwinSize.Small, channels)),
        ["nat-mini"] = Fixed(channels => new NatTrunk(NatSize.Mini, channels)),
        ["nat-tiny"] = Fixed(channels => new NatTrunk(NatSize.Tiny, channels)),
        ["unet"] = new DenseEntry((classes, channels, norm) => new UNet(channels, classes, norm: norm)),
        ["unet-small"] = new DenseEntry((classes, channels, norm) => new UNet(channels, classes, levels: 4, width: 16, norm: norm)),
        ["unet-bilinear"] = new DenseEntry((classes, channels, norm) => new UNet(channels, classes, norm: norm, bilinear: true)),
        ["fpn-resnet18"] = new DenseEntry((classes, channels, norm) =>
            new FeaturePyramid(new ResNetTrunk(18, channels, norm), classes, norm)),
        ["fpn-resnet34"] = new DenseEntry((classes, channels, norm) =>
            new FeaturePyramid(new ResNetTrunk(34, channels, norm), classes, norm)),
        ["fpn-resnet50"] = new DenseEntry((classes, channels, norm) =>
            new FeaturePyramid(new ResNetTrunk(50, channels, norm), classes, norm)),
        ["fpn-mobilenetv3-large"] = new DenseEntry((classes, channels, norm) =>
            new FeaturePyramid(new MobileNetV3Trunk(MobileNetV3Size.Large, channels, norm), classes, norm)),
        ["fcn-resnet50"] = new DenseEntry((classes, channels, norm) =>
            new FullyConvolutional(DenseHeadKind.Fcn, 50, channels, classes, norm)),
        ["fcn-resnet101"] = new DenseEntry((classes, channels, norm) =>
            new FullyConvolutional(DenseHeadKind.Fcn, 101, channels, classes, norm)),
        ["deeplabv3-resnet50"] = new DenseEntry((classes, channels, norm) =>
            new FullyConvolutional(DenseHeadKind.DeepLabV3, 50, channels, classes, norm)),
        ["deeplabv3-resnet101"] = new DenseEntry((classes, channels, norm) =>
            new FullyConvolutional(DenseHeadKind.DeepLabV3, 101, channels, classes, norm)),
        ["deeplabv3-mobilenetv3-large"] = new DenseEntry((classes, channels, norm) =>
            new FullyConvolutional(DenseHeadKind.DeepLabV3, MobileNetV3Size.Large, channels, classes, norm)),
        ["lraspp-mobilenetv3-large"] = new DenseEntry((classes, channels, norm) =>
            new LiteReducedPyramid(MobileNetV3Size.Large, channels, classes, norm)),
        ["lraspp-mobilenetv3-small"] = new DenseEntry((classes, channels, norm) =>
            new LiteReducedPyramid(MobileNetV3Size.Small, channels, classes, norm)),
        ["comparison"] = Fixed(PaperTrunks.NumericalComparison),
        ["imagenette"] = Fixed(PaperTrunks.Imagenette),
        ["pathology-2048"] = Fixed(channels => PaperTrunks.Pathology(2048, channels)),
        ["pathology-4096"] = Fixed(channels => PaperTrunks.Pathology(4096, channels)),
        ["pathology-8192"] = Fixed(channels => PaperTrunks.Pathology(8192, channels)),
        ["small"] = Fixed(PaperTrunks.Small),
        ["sparse"] = Fixed(PaperTrunks.Sparse),
    };

    /// <summary>The names, in alphabetical order.</summary>
    public static IReadOnlyCollection<string> Names => Entries.Keys;

    /// <summary>The names of those that leave their norm to be chosen, in alphabetical order.</summary>
    public static IReadOnlyCollection<string> NamesWithNorms =>
        [.. Entries.Where(entry => entry.Value.HasChoice).Select(entry => entry.Key)];

    /// <summary>The names of networks for dense prediction, in alphabetical order: see <see cref="CreateDense"/>.</summary>
    public static IReadOnlyCollection<string> DenseNames =>
        [.. Entries.Where(entry => entry.Value is DenseEntry).Select(entry => entry.Key)];

    /// <summary>Makes a network for dense prediction with fresh weights, from an image to scores of each pixel.</summary>
    /// <param name="name">
    /// One of <see cref="DenseNames"/>; upper and lower case are the same. By <see cref="Create"/> it gives features.
    /// </param>
    /// <param name="classes">Scores of each pixel.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="norm">How it normalises.</param>
    /// <exception cref="ArgumentException">There is no such network; the message lists those that there are.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no class, or no channel.</exception>
    public static DenseNetwork CreateDense(string name, int classes, int inputChannels = 3, NormKind norm = NormKind.Frozen)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        return Entries.GetValueOrDefault(name) is DenseEntry entry
            ? entry.MakeDense(classes, inputChannels, norm)
            : throw new ArgumentException(
                $"There is no network '{name}' for dense prediction; choose one of {string.Join(", ", DenseNames)}.");
    }

    /// <summary>Makes a trunk with fresh weights.</summary>
    /// <param name="name">One of <see cref="Names"/>; upper and lower case are the same.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="norm">
    /// How it normalises: one that is not <see cref="NormKind.Frozen"/> is for <see cref="NamesWithNorms"/> alone. Whether batch norm is
    /// frozen is said by <see cref="StreamingOptions.FrozenBatchNorm"/> and not by the trunk, which is the same.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There is no such model, or it has no such norm; the message lists those that there are.
    /// </exception>
    public static Module<Tensor, Tensor> Create(string name, int inputChannels = 3, NormKind norm = NormKind.Frozen)
    {
        if (!Entries.TryGetValue(name, out var entry))
            throw new ArgumentException($"There is no model '{name}'; choose one of {string.Join(", ", Names)}.");
        return entry.HasChoice || norm == NormKind.Frozen
            ? entry.Make(inputChannels, norm)
            : throw new ArgumentException(
                $"The norm of the model '{name}' cannot be chosen; leave it out, or choose one of {string.Join(", ", NamesWithNorms)}.");
    }

    /// <summary>Channels of a trunk's output: of a chain of layers those of its last convolution.</summary>
    /// <exception cref="InvalidOperationException">The trunk has no convolution.</exception>
    public static long OutputChannels(Module<Tensor, Tensor> trunk) =>
        trunk is IKnownTrunk known ? known.OutputChannels : trunk.modules().OfType<Conv2d>().Last().out_channels;

    private static Entry Fixed(Func<int, Module<Tensor, Tensor>> make) => new((channels, _) => make(channels), HasChoice: false);

    private record Entry(Func<int, NormKind, Module<Tensor, Tensor>> Make, bool HasChoice = true);

    private sealed record DenseEntry(Func<int?, int, NormKind, DenseNetwork> MakeDense)
        : Entry((channels, norm) => MakeDense(null, channels, norm));
}
