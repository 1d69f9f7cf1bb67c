using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// Makes scores or numbers of each position of a trunk's map, and enlarges them to the image's size, bilinearly with pixel centres
/// aligned: the last two layers of a fully convolutional network (Long, Shelhamer and Darrell, arXiv 1411.4038), as torchvision enlarges
/// them.
/// </summary>
public sealed class DenseHead : StreamingBlock
{
    private readonly Conv2d classifier;

    // Several threads may run images of several sizes; each traces the head for itself. Not a component: it has no parameters.
    private readonly ThreadLocal<((long Height, long Width) Size, Upsample Layer)?> enlargement = new();

    /// <summary>Creates the head.</summary>
    /// <param name="channels">Channels of the trunk's map.</param>
    /// <param name="outputs">Scores or numbers of each position, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no output, or no channel.</exception>
    public DenseHead(long channels, int outputs)
        : base(nameof(DenseHead))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        classifier = Conv2d(channels, outputs, 1);
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
            ?? throw new InvalidOperationException($"A {nameof(DenseHead)} does not know how large the image is; say so by {nameof(EnlargeTo)}, as {nameof(StreamingMapModel)} does.");
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
