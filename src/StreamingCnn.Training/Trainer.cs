using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>Trains a <see cref="StreamingClassifier"/>: cross-entropy, AdamW, images one at a time with their gradients added up over a batch.</summary>
public sealed class Trainer
{
    private readonly StreamingClassifier model;
    private readonly TrainingOptions options;
    private readonly OptimizerHelper optimizer;
    private TrainingPosition position = new();

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
    }

    /// <summary>Results of the epochs that are done, those before an interruption included.</summary>
    public IReadOnlyList<EpochResult> History => position.History;

    /// <summary>Puts model, optimizer, random state and place in the epoch back to where the checkpoint of the options was written.</summary>
    /// <remarks>On a CPU the run then goes on bit for bit as if it had never been interrupted, given the same images in the same order.</remarks>
    /// <exception cref="TrainingException">The checkpoint belongs to a run with other settings or another model.</exception>
    /// <exception cref="Interop.Weights.WeightFileException">The checkpoint is missing or damaged.</exception>
    public void Resume()
    {
        if (options.Checkpoint is null)
            throw new TrainingException("There is nothing to resume from: the options name no checkpoint.");
        position = TrainingCheckpoint.Read(options.Checkpoint, model, optimizer, options);
    }

    /// <summary>Trains for all epochs that are not done yet.</summary>
    /// <param name="training">The images to learn from.</param>
    /// <param name="validation">Images to judge by after every epoch; may be empty.</param>
    /// <param name="progress">Told after every image; null for nobody.</param>
    /// <param name="cancellation">Stops after the image that is being worked on, and writes the checkpoint.</param>
    /// <returns>Each epoch's result as it is done; none for an epoch that was cancelled.</returns>
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
        var images = TrainingCheckpoint.Fingerprint(training);
        if (position.Images is { } before && before != images)
            throw new TrainingException("The images or their classes are not those that the interrupted run was trained on; resume with the same data.");
        position = position with { Images = images };

        while (position.Epoch <= options.Epochs)
        {
            Epoch(training, progress, cancellation);
            if (position.Done < training.Count)
            {
                Save();
                yield break;
            }

            var result = new EpochResult(
                position.Epoch, position.Loss / position.Done, (double)position.Right / position.Done, validation.Count == 0 ? null : Evaluate(validation));
            position = position with { Epoch = position.Epoch + 1, Done = 0, Loss = 0, Right = 0, History = [.. position.History, result] };
            Save();
            yield return result;
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
            var (value, isRight, _) = Step(sample, batch: 0);
            loss += value;
            right += isRight ? 1 : 0;
        }

        return (loss / samples.Count, (double)right / samples.Count);
    }

    /// <summary>Goes through the rest of the present epoch, until cancelled.</summary>
    private void Epoch(IReadOnlyList<TrainingSample> training, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        model.train();
        var shuffled = training.ToArray();
        // The order follows from seed and epoch alone, so that an interrupted epoch can go on in it.
        new Random(unchecked((options.Seed * 1_000_003) + position.Epoch)).Shuffle(shuffled);
        var updates = (shuffled.Length + options.BatchSize - 1) / options.BatchSize;
        while (position.Done < shuffled.Length && !cancellation.IsCancellationRequested)
        {
            var batchStart = position.Done / options.BatchSize * options.BatchSize;
            var batch = Math.Min(options.BatchSize, shuffled.Length - batchStart);
            if (position.Done == batchStart)
                optimizer.zero_grad();
            using (NewDisposeScope())
            {
                var (loss, isRight, pixels) = Step(shuffled[position.Done], batch);
                position = position with
                {
                    Done = position.Done + 1,
                    Loss = position.Loss + loss,
                    Right = position.Right + (isRight ? 1 : 0),
                    Pixels = position.Pixels + pixels,
                };
            }

            if (position.Done == batchStart + batch)
                Update((long)updates * options.Epochs);
            if (options.CheckpointInterval > 0 && position.Done % options.CheckpointInterval == 0)
                Save();
            progress?.Report(new(position.Epoch, position.Done, shuffled.Length, position.Loss / position.Done, position.Pixels));
        }
    }

    private void Update(long updates)
    {
        using var scope = NewDisposeScope();
        var rate = options.LearningRate * LearningRateSchedules.Factor(options.Schedule, position.Updates, updates, options.WarmUp);
        foreach (var group in optimizer.ParamGroups)
            group.LearningRate = rate;
        if (options.ClipNorm is { } norm)
            nn.utils.clip_grad_norm_(model.parameters(), norm);
        optimizer.step();
        optimizer.zero_grad();
        position = position with { Updates = position.Updates + 1 };
    }

    private void Save()
    {
        if (options.Checkpoint is not null)
            TrainingCheckpoint.Write(options.Checkpoint, model, optimizer, options, position);
    }

    /// <summary>One image forwards, and backwards when it is to be learned from.</summary>
    /// <param name="sample">The image.</param>
    /// <param name="batch">Images that share the update; 0 to learn nothing.</param>
    private (double Loss, bool IsRight, long Pixels) Step(TrainingSample sample, int batch)
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
            if (batch > 0)
            {
                using var share = loss / batch;
                share.backward();
            }

            return (value, scores.argmax(1).item<long>() == sample.Label, image.Height * image.Width);
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
