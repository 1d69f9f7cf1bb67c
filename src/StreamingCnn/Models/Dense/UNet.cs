using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A U-Net (Ronneberger et al., arXiv 1505.04597): maps of ever smaller size and more channels, enlarged again step by step and joined with
/// the map of the same size on the way down. Its features have the image's height and width.
/// </summary>
/// <remarks>
/// It works on images of any size: convolutions pad with zeros, pooling rounds odd sizes up, so that the last window overhangs, and a map
/// that is enlarged beyond an odd size is cropped to the one that it is joined with. So all pixels count, and positions lie where they lie
/// at even sizes.
/// </remarks>
public sealed class UNet : DenseNetwork
{
    private readonly MaxPool2d pool = MaxPool2d(2, ceil_mode: true);
    private readonly ModuleList<Sequential> down;
    private readonly ModuleList<Module<Tensor, Tensor>> up;
    private readonly ModuleList<Sequential> join;
    private readonly Conv2d? classifier;

    /// <summary>Creates the network with fresh weights.</summary>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="classes">Scores of each pixel; null for features, of <paramref name="width"/> channels.</param>
    /// <param name="levels">Sizes of maps: each is half of the one before; from 2 to 8.</param>
    /// <param name="width">
    /// Channels at the image's size, which double with each level; with <see cref="NormKind.Group"/> a multiple of 8.
    /// </param>
    /// <param name="norm">How it normalises. Groups are of eight channels.</param>
    /// <param name="bilinear">
    /// Whether maps are enlarged by bilinear interpolation, behind a convolution to half the channels, rather than by transposed
    /// convolutions.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range, or there is no such norm.</exception>
    public UNet(
        int inputChannels = 3,
        int? classes = null,
        int levels = 5,
        int width = 32,
        NormKind norm = NormKind.Frozen,
        bool bilinear = false)
        : base(nameof(UNet), classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(levels, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(levels, 8);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (norm == NormKind.Group)
            ArgumentOutOfRangeException.ThrowIfNotEqual(width % 8, 0, nameof(width));
        var norms = NetworkNorm.InEights(norm);
        FeatureChannels = width;
        down = ModuleList<Sequential>(
            [.. Enumerable.Range(0, levels).Select(level => Twice(level == 0 ? inputChannels : Wide(level - 1), Wide(level)))]);
        up = ModuleList<Module<Tensor, Tensor>>([.. Enumerable.Range(0, levels - 1).Select(level => Larger(Wide(level + 1), Wide(level)))]);
        join = ModuleList<Sequential>([.. Enumerable.Range(0, levels - 1).Select(level => Twice(2 * Wide(level), Wide(level)))]);
        classifier = classes is { } count ? Conv2d(width, count, 1) : null;
        RegisterComponents();

        long Wide(int level) => (long)width << level;

        Sequential Twice(long inputs, long outputs) =>
            Sequential(norms.Behind(inputs, outputs, 3, ReLU()), norms.Behind(outputs, outputs, 3, ReLU()));

        // A convolution of single positions and interpolation commute, and there are fewer positions before it.
        Module<Tensor, Tensor> Larger(long inputs, long outputs) => bilinear
            ? Sequential(Conv2d(inputs, outputs, 1), Upsample(scale_factor: [2, 2], mode: UpsampleMode.Bilinear, align_corners: false))
            : ConvTranspose2d(inputs, outputs, 2, stride: 2);
    }

    /// <inheritdoc/>
    public override long FeatureChannels { get; }

    private protected override FeatureMap Features(FeatureMap image)
    {
        var maps = new List<FeatureMap> { image.Through(down[0]) };
        foreach (var layer in down.Skip(1))
            maps.Add(maps[^1].Through(pool).Through(layer));
        var map = maps[^1];
        for (var level = up.Count - 1; level >= 0; level--)
            map = FeatureMap.Concat(maps[level], map.Through(up[level]).CroppedTo(maps[level])).Through(join[level]);
        return map;
    }

    private protected override FeatureMap Scores(FeatureMap features) => features.Through(classifier!);

    private protected override FeatureMap Enlarged(FeatureMap scores, FeatureMap image) => scores;
}
