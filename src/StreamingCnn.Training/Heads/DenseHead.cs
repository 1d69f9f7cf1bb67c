using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// Classifies each position of a trunk's map, and enlarges the scores to the image's size, bilinearly with pixel centres aligned: the last
/// two layers of a fully convolutional network (Long, Shelhamer and Darrell, arXiv 1411.4038), as torchvision enlarges them.
/// </summary>
public sealed class DenseHead : StreamingBlock
{
    private readonly Conv2d classifier;

    // Several threads may run images of several sizes; each traces the head for itself. Not a component: it has no parameters.
    private readonly ThreadLocal<((long Height, long Width) Size, Upsample Layer)?> enlargement = new();

    /// <summary>Creates the head.</summary>
    /// <param name="channels">Channels of the trunk's map.</param>
    /// <param name="classes">Classes, at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer classes, or no channel.</exception>
    public DenseHead(long channels, int classes)
        : base(nameof(DenseHead))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        classifier = Conv2d(channels, classes, 1);
        RegisterComponents();
    }

    /// <summary>Says how large the image is that comes next on this thread.</summary>
    /// <param name="height">Height in pixels.</param>
    /// <param name="width">Width in pixels.</param>
    public void EnlargeTo(long height, long width)
    {
        if (enlargement.Value is not { } known || known.Size != (height, width))
            enlargement.Value = ((height, width), Upsample([height, width], mode: UpsampleMode.Bilinear, align_corners: false));
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Nobody has said how large the image is.</exception>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var (_, layer) = enlargement.Value
            ?? throw new InvalidOperationException($"A {nameof(DenseHead)} does not know how large the image is; say so by {nameof(EnlargeTo)}, as {nameof(StreamingSegmenter)} does.");
        return input.Through(classifier).Through(layer);
    }

    /// <summary>The same for an image of any size.</summary>
    internal FeatureMap Scores(FeatureMap features, FeatureMap image) => features.Through(classifier).ResizedTo(image);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            enlargement.Dispose();
        base.Dispose(disposing);
    }
}
