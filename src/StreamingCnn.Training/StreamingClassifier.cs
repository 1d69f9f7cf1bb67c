using StreamingCnn.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>
/// A classifier of whole images: a trunk that is streamed, and a head that sees its whole output: global pooling, dropout, and a linear layer.
/// </summary>
public sealed class StreamingClassifier : Module<Tensor, Tensor>
{
    private readonly StreamingModule features;
    private readonly Dropout dropout;
    private readonly Linear classifier;
    private readonly HeadPooling pooling;

    /// <summary>Creates the classifier.</summary>
    /// <param name="trunk">The trunk, [N, C, H, W] to [N, C', H', W'].</param>
    /// <param name="classes">Number of classes, at least 2.</param>
    /// <param name="options">How the trunk is streamed; null for the defaults.</param>
    /// <param name="pooling">How the head pools.</param>
    /// <param name="dropout">Share of the pooled features that the head drops in training, in [0, 1).</param>
    public StreamingClassifier(
        Module<Tensor, Tensor> trunk, int classes, StreamingOptions? options = null, HeadPooling pooling = HeadPooling.Average, double dropout = 0)
        : base(nameof(StreamingClassifier))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(dropout);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(dropout, 1);
        features = new StreamingModule(trunk, options);
        classifier = Linear(ModelCatalog.OutputChannels(trunk), classes);
        this.dropout = Dropout(dropout);
        this.pooling = pooling;
        RegisterComponents();
    }

    /// <summary>The streamed trunk.</summary>
    public StreamingModule Features => features;

    /// <summary>Scores of a batch of images in memory.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>One score for each class, [N, classes]; a softmax makes them probabilities.</returns>
    public override Tensor forward(Tensor input)
    {
        using var map = features.forward(input);
        return Head(map);
    }

    /// <summary>Scores of an image that is read window by window.</summary>
    /// <param name="image">The image; it must stay open until the backward pass is done.</param>
    /// <returns>[1, classes].</returns>
    public Tensor forward(IImageSource image)
    {
        using var map = features.forward(image);
        return Head(map);
    }

    private Tensor Head(Tensor map)
    {
        using var pooled = pooling == HeadPooling.Average ? map.mean([2, 3]) : map.amax([2, 3]);
        using var kept = dropout.forward(pooled);
        return classifier.forward(kept);
    }
}
