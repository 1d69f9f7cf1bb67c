using StreamingCnn.Models;
using StreamingCnn.Reductions;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>A model that scores the classes of each pixel of an image; their softmax over classes are probabilities.</summary>
public sealed class StreamingSegmenter : StreamingMapModel
{
    private readonly int classes;

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
        : base(nameof(StreamingSegmenter), trunk, CheckedClasses(classes), options, channels, isDense, imageChannels)
    {
        this.classes = classes;
        Map = isDense ? Features : new StreamingModule(Network, Features.Options);
    }

    /// <summary>Classes that pixels are scored for.</summary>
    public int Classes => classes;

    /// <inheritdoc/>
    private protected override StreamingModule Map { get; }

    /// <inheritdoc/>
    private protected override int TargetChannels => 1;

    /// <inheritdoc/>
    private protected override MapReduction Sums => new ConfusionReduction(classes);

    /// <inheritdoc/>
    private protected override MapLoss LossOf(LossOptions? objective) => LossOptions.OfMaps(objective);

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
        using var scope = NewDisposeScope();
        var (loss, learned, sums) = JudgeMap(image, mask, objective);
        return (loss.MoveToOuterDisposeScope(), learned.MoveToOuterDisposeScope(), ConfusionReduction.Counts(sums[0], sums[1]));
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
        if (disposing && !ReferenceEquals(Map, Features))
            Map.Dispose();
        base.Dispose(disposing);
    }

    private static int CheckedClasses(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        return classes;
    }

    private static bool HasLabels(IImageSource mask, IReadOnlyList<double>? weights)
    {
        long[] without = [
            SegmentationTask.IgnoredClass, .. (weights ?? []).Index().Where(weight => weight.Item == 0).Select(weight => (long)weight.Index)
        ];
        return AnyWindow(mask, window =>
        {
            Tensor? counted = null;
            foreach (var label in without)
            {
                using Scalar passedOver = label;
                var isOther = window.ne(passedOver);
                counted = counted?.logical_and(isOther) ?? isOther;
            }

            return counted!.any().item<bool>();
        });
    }
}
