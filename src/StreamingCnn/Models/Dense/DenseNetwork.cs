using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A network for dense prediction: something of every pixel, such as scores of classes. With a number of classes it gives
/// [N, classes, H, W] of the image's height and width; without one the features that scores would be made of, at their own size.
/// </summary>
public abstract class DenseNetwork : StreamingBlock, IKnownTrunk
{
    /// <summary>Creates the network; the constructor of a derived type ends with <c>RegisterComponents()</c>.</summary>
    /// <param name="name">The network's name.</param>
    /// <param name="classes">Scores of each pixel; null for features.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no class.</exception>
    private protected DenseNetwork(string name, int? classes)
        : base(name)
    {
        if (classes is { } count)
            ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(classes));
        Classes = classes;
    }

    /// <summary>Scores of each pixel; null where the network gives features.</summary>
    public int? Classes { get; }

    /// <summary>Channels of the features.</summary>
    public abstract long FeatureChannels { get; }

    /// <summary>Channels of the output.</summary>
    public long OutputChannels => Classes ?? FeatureChannels;

    /// <summary>The trunk within, whose weights may come from a classifier of images; null where there is none.</summary>
    public virtual Module? Backbone => null;

    /// <inheritdoc/>
    public sealed override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var features = Features(input);
        return Classes is null ? features : Enlarged(Scores(features), input);
    }

    /// <summary>The features of an image.</summary>
    private protected abstract FeatureMap Features(FeatureMap image);

    /// <summary>The scores that features give, at their size.</summary>
    private protected abstract FeatureMap Scores(FeatureMap features);

    /// <summary>The scores at the image's size: bilinear, as torchvision's networks enlarge theirs.</summary>
    private protected virtual FeatureMap Enlarged(FeatureMap scores, FeatureMap image) => scores.ResizedTo(image);
}
