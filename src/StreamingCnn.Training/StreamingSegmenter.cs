using System.Globalization;
using StreamingCnn.Models;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>
/// A model that scores the classes of each pixel of an image. In training and in judging neither the scores, nor the mask, nor the loss's
/// gradient exists whole.
/// </summary>
public sealed class StreamingSegmenter : TrainableModel
{
    private const long ChannelsOfAPhotograph = 3;

    private readonly StreamingModule features;
    private readonly long imageChannels;
    private readonly DenseHead? head;
    private readonly int classes;

    // Not components: their parts have their names by the trunk and the head.
    private readonly Module<Tensor, Tensor> network;
    private readonly StreamingModule map;
    private readonly Dictionary<LossOptions, JudgedNetwork> judged = [];
    private readonly JudgedNetwork plain;

    /// <summary>Creates the model.</summary>
    /// <param name="trunk">
    /// The trunk, [N, C, H, W] to [N, C', H', W'], behind which a <see cref="DenseHead"/> stands; or where <paramref name="isDense"/> a
    /// network that scores each pixel by itself, [N, C, H, W] to [N, classes, H, W].
    /// </param>
    /// <param name="classes">Classes, at least 2.</param>
    /// <param name="options">How the model is streamed; null for the defaults.</param>
    /// <param name="channels">Channels C' of the trunk's output; null to take those of its last convolution.</param>
    /// <param name="isDense">Whether the trunk scores pixels by itself.</param>
    /// <param name="imageChannels">Channels C of images; null to take those of the trunk's first convolution.</param>
    public StreamingSegmenter(
        Module<Tensor, Tensor> trunk,
        int classes,
        StreamingOptions? options = null,
        long? channels = null,
        bool isDense = false,
        long? imageChannels = null)
        : base(nameof(StreamingSegmenter))
    {
        ArgumentNullException.ThrowIfNull(trunk);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        this.classes = classes;
        this.imageChannels = imageChannels ?? trunk.modules().OfType<Conv2d>().FirstOrDefault()?.in_channels ?? ChannelsOfAPhotograph;
        features = new StreamingModule(trunk, options);
        register_module(nameof(features), features);
        if (!isDense)
        {
            head = new DenseHead(channels ?? ModelCatalog.OutputChannels(trunk), classes);
            register_module(nameof(head), head);
        }

        network = head is null ? trunk : new TrunkWithDenseHead(trunk, head);
        map = head is null ? features : new StreamingModule(network, features.Options);
        plain = new(network, classes, [LossOptions.OfMaps(null)], features.Options);
    }

    /// <inheritdoc/>
    public override Module<Tensor, Tensor> Trunk => features.Trunk;

    /// <summary>What classifies the trunk's map; null where the trunk does.</summary>
    public DenseHead? Head => head;

    /// <summary>Classes that pixels are scored for.</summary>
    public int Classes => classes;

    /// <inheritdoc/>
    public override StreamingOptions Options => features.Options;

    /// <summary>Scores of a batch of images in memory.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, classes, H, W].</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        head?.EnlargeTo(input.shape[^2], input.shape[^1]);
        return map.call(input);
    }

    /// <summary>Scores of an image that is read window by window, without autograd, handed out rectangle by rectangle.</summary>
    /// <param name="image">The image.</param>
    /// <param name="sink">Gets the scores, [1, classes, H, W], of the image's size; their softmax over classes are probabilities.</param>
    public void Run(IImageSource image, IMapSink sink)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(sink);
        head?.EnlargeTo(image.Height, image.Width);
        map.Run(image, sink);
    }

    /// <summary>What a step on one image and its mask would do and cost, in the modes that the model's layers are in now.</summary>
    /// <inheritdoc cref="StreamingModule.Plan(long, long)"/>
    public override TilePlan Plan(long height, long width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        head?.EnlargeTo(height, width);
        return plain.Network.Plan((imageChannels, height, width), (1, height, width));
    }

    /// <summary>The loss and the counts of one image and its map of classes, streamed.</summary>
    /// <param name="image">The image; like the map it must stay open until the backward pass is done.</param>
    /// <param name="mask">
    /// The map of its classes: numbers from 0, and <see cref="SegmentationTask.IgnoredClass"/> where a pixel does not count.
    /// </param>
    /// <param name="objective">What is learned by; null for cross-entropy.</param>
    /// <returns>
    /// Cross-entropy and what is learned by, scalars; and how many pixels of each class were taken for each class, row by row.
    /// </returns>
    /// <exception cref="TrainingException">The map is of another size.</exception>
    /// <exception cref="ArgumentException">No pixel counts.</exception>
    public (Tensor CrossEntropy, Tensor Learned, IReadOnlyList<double> Counts) Judge(
        IImageSource image, IImageSource mask, LossOptions? objective = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(mask);
        if (image.Height != mask.Height || image.Width != mask.Width)
        {
            throw new TrainingException(string.Create(
                CultureInfo.InvariantCulture,
                $"The mask has {mask.Height} x {mask.Width} pixels (height x width), but its image has {image.Height} x {image.Width}; give one of the image's size."));
        }

        head?.EnlargeTo(image.Height, image.Width);
        using var scope = NewDisposeScope();
        var outputs = Judging(objective).Network.forward([image, mask]);
        var counts = ConfusionReduction.Counts(outputs[^2], outputs[^1]);
        var loss = outputs[0].reshape([]);
        var learned = outputs.Length > 3 ? outputs[1].reshape([]) : loss;
        return (loss.MoveToOuterDisposeScope(), learned.MoveToOuterDisposeScope(), counts);
    }

    /// <inheritdoc/>
    internal override ImageJudgement Judge(
        LearningTask task, TrainingSample sample, IImageSource image, IImageSource? mask, LossOptions? objective)
    {
        if (task is not SegmentationTask)
            throw new ArgumentException(
                $"A segmenter scores pixels and learns no {task.Kind}; take a {nameof(StreamingClassifier)}.", nameof(task));
        if (mask is null)
            throw new TrainingException($"Image '{sample.Name}' has no mask to learn from.");
        try
        {
            var (loss, learned, counts) = Judge(image, mask, objective);
            return new(loss, learned, counts);
        }
        catch (ArgumentException) when (!HasLabels(mask, objective?.ClassWeights))
        {
            // A random part of an image may lie where nothing is labelled, or only what has no weight. There is nothing to learn from it,
            // and nothing to be judged.
            return new(zeros(1, device: CPU).sum(), null, new double[task.ValueCount]);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            plain.Dispose();
            foreach (var other in judged.Values)
                other.Dispose();
            if (head is not null)
            {
                map.Dispose();
                network.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private static bool HasLabels(IImageSource mask, IReadOnlyList<double>? weights)
    {
        const long Side = 2048;
        long[] without = [
            SegmentationTask.IgnoredClass, .. (weights ?? []).Index().Where(weight => weight.Item == 0).Select(weight => (long)weight.Index)
        ];
        for (long top = 0; top < mask.Height; top += Side)
        {
            for (long left = 0; left < mask.Width; left += Side)
            {
                using var scope = NewDisposeScope();
                var window = mask.Read(top, left, Math.Min(Side, mask.Height - top), Math.Min(Side, mask.Width - left));
                Tensor? counted = null;
                foreach (var label in without)
                {
                    using Scalar passedOver = label;
                    var isOther = window.ne(passedOver);
                    counted = counted?.logical_and(isOther) ?? isOther;
                }

                if (counted!.any().item<bool>())
                    return true;
            }
        }

        return false;
    }

    /// <summary>The network with what judges it, made once for each way of learning.</summary>
    private JudgedNetwork Judging(LossOptions? objective)
    {
        if (objective is null)
            return plain;
        lock (judged)
        {
            if (!judged.TryGetValue(objective, out var found))
                judged[objective] = found = new(network, classes, [LossOptions.OfMaps(null), LossOptions.OfMaps(objective)], Options);
            return found;
        }
    }

    private sealed class JudgedNetwork(Module<Tensor, Tensor> network, int classes, MapLoss[] losses, StreamingOptions options)
        : IDisposable
    {
        private readonly JudgedMap block = new(network, classes, losses);
        private StreamingNetwork? streaming;

        public StreamingNetwork Network => streaming ??= new(block, options);

        public void Dispose()
        {
            streaming?.Dispose();
            block.Dispose();
            foreach (var loss in losses)
                loss.Dispose();
        }
    }
}
