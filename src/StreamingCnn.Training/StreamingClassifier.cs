using StreamingCnn.Models;
using StreamingCnn.Training.Heads;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>A model of whole images: a trunk that is streamed, and a head that sees its whole output.</summary>
public sealed class StreamingClassifier : Module<Tensor, Tensor>
{
    private readonly StreamingModule features;
    private readonly PoolingHead head;

    /// <summary>Creates the model.</summary>
    /// <param name="trunk">The trunk, [N, C, H, W] to [N, C', H', W'].</param>
    /// <param name="outputs">Numbers to put out: classes, labels, or values to predict; at least 1.</param>
    /// <param name="options">How the trunk is streamed; null for the defaults.</param>
    /// <param name="pooling">How the head pools.</param>
    /// <param name="dropout">Share of the pooled features that the head drops in training, in [0, 1).</param>
    /// <param name="channels">Channels C' of the trunk's output; null to take those of its last convolution.</param>
    public StreamingClassifier(
        Module<Tensor, Tensor> trunk,
        int outputs,
        StreamingOptions? options = null,
        HeadPooling pooling = HeadPooling.Average,
        double dropout = 0,
        long? channels = null)
        : base(nameof(StreamingClassifier))
    {
        features = new StreamingModule(trunk, options);
        head = new PoolingHead(channels ?? ModelCatalog.OutputChannels(trunk), outputs, pooling, dropout);
        RegisterComponents();
    }

    /// <summary>The streamed trunk.</summary>
    public StreamingModule Features => features;

    /// <summary>What sees the trunk's output.</summary>
    public PoolingHead Head => head;

    /// <summary>Scores of a batch of images in memory.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, outputs].</returns>
    public override Tensor forward(Tensor input)
    {
        using var map = features.call(input);
        return head.call(map);
    }

    /// <summary>Scores of an image that is read window by window.</summary>
    /// <param name="image">The image; it must stay open until the backward pass is done.</param>
    /// <returns>[1, outputs].</returns>
    public Tensor forward(IImageSource image)
    {
        using var map = features.forward(image);
        return head.call(map);
    }
}
