using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>Trains a <see cref="StreamingClassifier"/>: cross-entropy, AdamW, images one at a time with their gradients added up over a batch.</summary>
public sealed class Trainer
{
    private readonly StreamingClassifier model;
    private readonly TrainingOptions options;
    private readonly optim.Optimizer optimizer;
    private readonly Random order;
    private long pixels;

    /// <summary>Creates the trainer.</summary>
    /// <param name="model">The classifier; trained in place.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range; all such options are named.</exception>
    public Trainer(StreamingClassifier model, TrainingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
        this.options = options ?? new();
        this.options.Validate();
        optimizer = optim.AdamW(model.parameters().Where(p => p.requires_grad), this.options.LearningRate, weight_decay: this.options.WeightDecay);
        order = new Random(this.options.Seed);
    }

    /// <summary>Trains for all epochs.</summary>
    /// <param name="training">The images to learn from.</param>
    /// <param name="validation">Images to judge by after every epoch; may be empty.</param>
    /// <param name="progress">Told after every image; null for nobody.</param>
    /// <param name="cancellation">Stops after the image that is being worked on.</param>
    /// <returns>Each epoch's result as it is done.</returns>
    /// <exception cref="TrainingException">There are no images, an image cannot be read, or the loss is not a number.</exception>
    public IEnumerable<EpochResult> Fit(
        IReadOnlyList<TrainingSample> training,
        IReadOnlyList<TrainingSample> validation,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentNullException.ThrowIfNull(validation);
        if (training.Count == 0)
            throw new TrainingException("There are no images to train on.");

        for (var epoch = 1; epoch <= options.Epochs && !cancellation.IsCancellationRequested; epoch++)
        {
            var (loss, accuracy) = Epoch(epoch, training, progress, cancellation);
            yield return new EpochResult(epoch, loss, accuracy, validation.Count == 0 ? null : Evaluate(validation));
        }
    }

    /// <summary>Mean loss and accuracy on images, in evaluation mode, without gradients.</summary>
    /// <exception cref="TrainingException">An image cannot be read, or the loss is not a number.</exception>
    public (double Loss, double Accuracy) Evaluate(IReadOnlyList<TrainingSample> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        model.eval();
        using var grad = no_grad();
        double loss = 0;
        var right = 0;
        foreach (var sample in samples)
        {
            using var scope = NewDisposeScope();
            var (value, isRight) = Step(sample, backward: false);
            loss += value;
            right += isRight ? 1 : 0;
        }

        return (loss / samples.Count, (double)right / samples.Count);
    }

    private (double Loss, double Accuracy) Epoch(
        int epoch, IReadOnlyList<TrainingSample> training, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        model.train();
        var shuffled = training.ToArray();
        order.Shuffle(shuffled);
        double loss = 0;
        int right = 0, done = 0;
        optimizer.zero_grad();
        foreach (var sample in shuffled)
        {
            using (NewDisposeScope())
            {
                var (value, isRight) = Step(sample, backward: true);
                loss += value;
                right += isRight ? 1 : 0;
            }

            done++;
            if (done % options.BatchSize == 0 || done == shuffled.Length || cancellation.IsCancellationRequested)
            {
                optimizer.step();
                optimizer.zero_grad();
            }

            progress?.Report(new(epoch, done, shuffled.Length, loss / done, pixels));
            if (cancellation.IsCancellationRequested)
                break;
        }

        return (loss / done, (double)right / done);
    }

    /// <summary>One image forwards, and backwards when it is to be learned from.</summary>
    private (double Loss, bool IsRight) Step(TrainingSample sample, bool backward)
    {
        try
        {
            using var image = sample.Open();
            using var scores = model.forward(image);
            using var label = tensor(new long[] { sample.Label }, device: scores.device);
            using var loss = functional.cross_entropy(scores, label);
            var value = loss.to(ScalarType.Float64).item<double>();
            if (!double.IsFinite(value))
                throw new TrainingException(Explain(sample, image));
            if (backward)
            {
                using var share = loss / options.BatchSize;
                share.backward();
                pixels += image.Height * image.Width;
            }

            return (value, scores.argmax(1).item<long>() == sample.Label);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or System.Runtime.InteropServices.ExternalException)
        {
            throw new TrainingException($"Image '{sample.Name}' cannot be worked on: {failure.Message}", failure);
        }
    }

    /// <summary>Whether it is the image or the training that is no number.</summary>
    private static string Explain(TrainingSample sample, IImageSource image)
    {
        const long Side = 1024;
        for (long top = 0; top < image.Height; top += Side)
        {
            for (long left = 0; left < image.Width; left += Side)
            {
                using var scope = NewDisposeScope();
                var window = image.Read(top, left, Math.Min(Side, image.Height - top), Math.Min(Side, image.Width - left));
                if (window.is_floating_point() && !window.isfinite().all().item<bool>())
                    return $"Image '{sample.Name}' holds values that are not finite numbers, near row {top} and column {left}; repair it or leave it out.";
            }
        }

        return $"The loss of image '{sample.Name}' is not a finite number; choose a lower learning rate.";
    }
}
