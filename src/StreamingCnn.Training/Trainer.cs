using StreamingCnn.Distributed;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Ranks;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>Trains a model of whole images, or of their pixels: one image at a time, gradients added up over a batch.</summary>
/// <remarks>
/// Several processes share the images of each batch. The order of images, what is drawn at random for each of them, and when weights are
/// updated do not depend on how many there are; so losses and weights are the same to rounding, and the same bits each time with the same
/// number. For each image to learn from, torch's random numbers begin anew, from the seed and the number of its use.
/// </remarks>
public sealed class Trainer : IDisposable
{
    private readonly TrainableModel model;
    private readonly LearningTask task;
    private readonly TrainingOptions options;
    private readonly OptimizerHelper optimizer;
    private readonly WeightAverage? average;
    private readonly WeightUpdate update;
    private readonly LearnedData data;
    private readonly ICommunicator ranks;

    // Those that have images of their own: this one alone where all share each image, and the engine adds up what they find.
    private readonly ICommunicator learners;
    private readonly ImageRounds rounds;

    // Ranks whose batch norms look at each other's images; null where each looks at its own.
    private readonly FirstRanks? synchronised;
    private readonly MonitoredMetric? monitor;

    // Parameters of the trunk that are to learn once it is no longer frozen.
    private readonly Parameter[] trunk;
    private TrainingPosition position = new();

    /// <summary>Creates the trainer.</summary>
    /// <param name="model">The model; trained in place. Parameters that do not require a gradient stay as they are.</param>
    /// <param name="task">What its outputs mean.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="ranks">
    /// Processes that share the images; null for this one alone. Each makes a model, a trainer with the same options, and calls the same
    /// methods with the same images; the first one writes the checkpoint. Where the model's <see cref="StreamingOptions.SplitOver"/> names
    /// several, these are the same, and all work on each image. Where <see cref="StreamingOptions.SyncBatchNormOver"/> names several, it is
    /// <see cref="FirstRanks"/> of them.
    /// </param>
    /// <exception cref="ArgumentException">
    /// An option is out of its range (all such options are named), or batch norms are to look at the images of other ranks than these.
    /// </exception>
    /// <exception cref="TrainingException">All that learns would be frozen.</exception>
    public Trainer(TrainableModel model, LearningTask task, TrainingOptions? options = null, ICommunicator? ranks = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(task);
        this.model = model;
        this.task = task;
        this.options = options ?? new();
        this.options.Validate();
        this.ranks = ranks ?? new SingleProcess();
        var sharesImages = model.Options.SplitOver is { Size: > 1 };
        learners = sharesImages ? new SingleProcess() : this.ranks;
        rounds = new(this.ranks, task.ValueCount, sharesImages);
        synchronised = model.Options.SyncBatchNormOver switch
        {
            null => null,
            FirstRanks first when first.Total == this.ranks.Size => first,
            var other => throw new ArgumentException(
                $"SyncBatchNormOver has {other.Size} ranks that are always the same, but the trainer's {this.ranks.Size} may be fewer in the last round of a batch; make it FirstRanks of the trainer's.",
                nameof(model)),
        };
        this.options.Loss?.Check(task);
        monitor = this.options.Monitor is { } name ? MonitoredMetric.Of(task, name) : null;
        // Of a network that scores pixels by itself, the trunk is what it has within.
        nn.Module within = model.Trunk is DenseNetwork { Backbone: { } backbone } ? backbone : model.Trunk;
        trunk = [.. within.parameters().Where(parameter => parameter.requires_grad)];
        // A list, not a query: the optimizer would ask anew at every step, and pass over the trunk while it is frozen.
        Parameter[] learning = [.. model.parameters().Where(parameter => parameter.requires_grad)];
        if (this.options.FrozenEpochs > 0 && trunk.Length == learning.Length)
            throw new TrainingException(
                "The model is all trunk, and nothing is left to learn while that is frozen; let it learn from the first epoch on.");
        var groups = LayerRates.Of(this.options, learning, within);
        optimizer = Optimizers.Create(this.options, groups);
        average = this.options.WeightAverage is { } decay ? new WeightAverage(model, decay) : null;
        update = new(model, this.options, optimizer, [.. groups.Select(group => group.Factor)], average, learners);
        data = new(this.ranks);
    }

    /// <summary>Results of the epochs that are done, those before an interruption included.</summary>
    public IReadOnlyList<EpochResult> History => position.History;

    /// <summary>
    /// Whether the run stands between two epochs, so that the model's weights are those of the last epoch of <see cref="History"/>.
    /// </summary>
    public bool IsBetweenEpochs => position.History.Count > 0 && position.Seen.Count == 0;

    /// <summary>
    /// Whether the last epoch of <see cref="History"/> is the best so far: it has the best validation score, or what else is monitored, and
    /// of those with that score the lowest validation loss, the first of equals; without validation images, always.
    /// </summary>
    public bool IsBest => (BestEpoch.Of(position.History) ?? position.History.Count) == position.History.Count;

    /// <summary>
    /// Puts model, optimizer, random state and place in the epoch back to where the checkpoint of the options was written.
    /// </summary>
    /// <remarks>
    /// On a CPU the run then goes on bit for bit as if it had never been interrupted, given the same images in the same order.
    /// </remarks>
    /// <exception cref="TrainingException">The checkpoint belongs to a run with other settings or another model.</exception>
    /// <exception cref="WeightFileException">The checkpoint is missing or damaged.</exception>
    public void Resume() => Resume(data.WasBefore);

    /// <summary>As <see cref="Resume()"/>, and refuses other images than those of the run before anything is changed.</summary>
    /// <param name="training">The images to learn from.</param>
    /// <param name="validation">Images to judge by after every epoch.</param>
    /// <exception cref="TrainingException">
    /// The checkpoint belongs to a run with other settings, another model or other images, which are named.
    /// </exception>
    /// <exception cref="WeightFileException">The checkpoint is missing or damaged.</exception>
    public void Resume(IReadOnlyList<TrainingSample> training, IReadOnlyList<TrainingSample> validation)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentNullException.ThrowIfNull(validation);
        Resume((images, names) =>
        {
            data.WasBefore(images, names);
            data.LookAt(training, validation);
        });
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
        data.LookAt(training, validation);
        TakeStateOfFirst();

        while (position.Epoch <= options.Epochs && !HasLostPatience())
        {
            SetFrozen(position.Epoch <= options.FrozenEpochs);
            try
            {
                Epoch(training, progress, cancellation);
            }
            finally
            {
                SetFrozen(false);
            }

            if (position.Seen.Count < training.Count)
            {
                SaveCheckpoint();
                yield break;
            }

            // Processors of different kinds round differently: weights must not drift apart.
            TakeStateOfFirst();
            var result = new EpochResult(
                position.Epoch,
                Judge([.. position.Seen.Select(seen => new Prediction(training[seen.Index], seen.Values, seen.Loss))]),
                validation.Count == 0 ? null : Judge(Predict(validation)),
                update.LearningRate);
            position.History.Add(result);
            position.Epoch++;
            position.Seen.Clear();
            SaveCheckpoint();
            yield return result;
        }
    }

    /// <summary>
    /// Looks for a learning rate: makes updates at rates from <see cref="LearningRateSearch.Lowest"/> to
    /// <see cref="LearningRateSearch.Highest"/>, as the first epochs would make them, until the loss is far above its minimum. Weights,
    /// buffers and random numbers are then those of before; the optimizer is not, so train with another trainer.
    /// </summary>
    /// <param name="training">The images to learn from; they come again and again where they are few.</param>
    /// <param name="updates">Updates at most, at least <see cref="LearningRateSearch.FewestUpdates"/>.</param>
    /// <param name="progress">Told after every update; null for nobody.</param>
    /// <param name="cancellation">Ends the test behind an update.</param>
    /// <returns>The updates that were made.</returns>
    /// <exception cref="TrainingException">There are no images, or one cannot be read.</exception>
    public LearningRateSearch FindRate(
        IReadOnlyList<TrainingSample> training,
        int updates = 100,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentOutOfRangeException.ThrowIfLessThan(updates, LearningRateSearch.FewestUpdates);
        if (training.Count == 0)
            throw new TrainingException("There are no images to train on.");
        TakeStateOfFirst();
        using var kept = new KeptState(model);
        SetFrozen(options.FrozenEpochs > 0);
        try
        {
            return new RateTest(options, training, Update).Run(updates, progress, () => rounds.Any(cancellation.IsCancellationRequested));
        }
        finally
        {
            optimizer.zero_grad();
            SetFrozen(false);
            kept.Restore();
        }
    }

    /// <summary>
    /// What the model says of images, in evaluation mode, without gradients, with the averaged weights where there are any.
    /// </summary>
    /// <param name="samples">The images.</param>
    /// <param name="progress">Told after every image; null for nobody.</param>
    /// <exception cref="TrainingException">An image cannot be read, or the loss is not a number.</exception>
    public IReadOnlyList<Prediction> Predict(IReadOnlyList<TrainingSample> samples, IProgress<TrainingProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(samples);
        return WithAverage(() => ImageModel.Predict(model, task, samples, progress, ranks));
    }

    /// <summary>Writes the weights, averaged where there is an average, as safetensors.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void SaveWeights(string path, IReadOnlyDictionary<string, string>? metadata = null) => WithAverage(() =>
    {
        WeightFile.Save(model, path, metadata);
        return true;
    });

    /// <summary>Frees the optimizer and the average; the model stays.</summary>
    public void Dispose()
    {
        optimizer.Dispose();
        average?.Dispose();
    }

    private void Resume(Action<DataRecord?, string?> check)
    {
        if (options.Checkpoint is null)
            throw new TrainingException("There is nothing to resume from: the options name no checkpoint.");
        try
        {
            position = TrainingCheckpoint.Read(options.Checkpoint, model, optimizer, average, options, check);
            GradientSum.KeepOfFirst(learners, model.parameters());
        }
        catch (Exception reason) when (reason is not (TrainingException or WeightFileException or OutOfMemoryException))
        {
            // Texts, numbers and the states of other libraries are in there, which fail in as many ways.
            throw new TrainingException(
                $"The checkpoint '{options.Checkpoint}' is damaged, or another version of the program wrote it; start the run anew.",
                reason);
        }
    }

    /// <summary>Goes through the rest of the present epoch, until cancelled.</summary>
    private void Epoch(IReadOnlyList<TrainingSample> training, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        model.train();
        var order = ImageOrder.Of(options, position.Epoch, training);
        var updates = (order.Length + options.BatchSize - 1) / options.BatchSize;
        var loss = position.Seen.Sum(seen => seen.Loss);
        var statistics = new StatisticsSum(learners, model, synchronised is not null);
        while (position.Seen.Count < order.Length && !rounds.Any(cancellation.IsCancellationRequested))
        {
            var done = position.Seen.Count;
            var batchStart = done / options.BatchSize * options.BatchSize;
            var batch = Math.Min(options.BatchSize, order.Length - batchStart);
            if (done == batchStart)
                optimizer.zero_grad();
            var images = rounds.Next(batchStart + batch - done);
            var first = ((position.Epoch - 1L) * order.Length) + done + 1;
            var learned = Learn([.. order.AsSpan(done, images)], training, batch, first, statistics);
            foreach (var (i, (prediction, pixels)) in learned.Index())
            {
                position.Seen.Add(new(order[done + i], prediction.Values, prediction.Loss));
                position.Pixels += pixels;
                loss += prediction.Loss;
            }

            var before = done;
            done += images;
            if (done == batchStart + batch)
                update.Make(position, (long)updates * options.Epochs);
            if (options.CheckpointInterval > 0
                && done / options.CheckpointInterval > before / options.CheckpointInterval
                && done < order.Length)
                SaveCheckpoint();
            progress?.Report(new(position.Epoch, done, order.Length, loss / done, position.Pixels));
        }
    }

    /// <summary>A round of images, one for each rank.</summary>
    /// <param name="order">Which of the training images.</param>
    /// <param name="training">The training images.</param>
    /// <param name="batch">Images that share the update.</param>
    /// <param name="use">Number of the first one's use.</param>
    /// <param name="statistics">Running statistics of norms.</param>
    private IReadOnlyList<(Prediction Prediction, long Pixels)> Learn(
        int[] order, IReadOnlyList<TrainingSample> training, int batch, long use, StatisticsSum statistics)
    {
        IReadOnlyList<(Prediction, long)> results = [];
        synchronised?.Take(order.Length);
        statistics.Around(order.Length, () => results = rounds.Run([.. order.Select(index => training[index])], (sample, place) =>
        {
            // Whoever runs this image, whatever ran before it: the same numbers are drawn.
            random.manual_seed(unchecked((options.Seed * 1_000_003L) + use + place));
            return ImageModel.Step(model, task, sample, batch, use + place, options.Loss);
        }));
        return results;
    }

    /// <summary>An update from one batch, at a rate of its own.</summary>
    /// <param name="batch">Which of the training images.</param>
    /// <param name="training">The training images.</param>
    /// <param name="use">Number of the first one's use.</param>
    /// <param name="rate">The rate.</param>
    /// <returns>The mean loss of the images before the update, and their pixels.</returns>
    private (double Loss, long Pixels) Update(int[] batch, IReadOnlyList<TrainingSample> training, long use, double rate)
    {
        model.train();
        optimizer.zero_grad();
        var statistics = new StatisticsSum(learners, model, synchronised is not null);
        var (loss, all, done) = (0.0, 0L, 0);
        while (done < batch.Length)
        {
            var images = rounds.Next(batch.Length - done);
            foreach (var (prediction, pixels) in Learn([.. batch.AsSpan(done, images)], training, batch.Length, use + done, statistics))
                (loss, all) = (loss + prediction.Loss, all + pixels);
            done += images;
        }

        update.Make(rate);
        return (loss / batch.Length, all);
    }

    private void TakeStateOfFirst() => ModelState.OfFirst(ranks, [.. model.state_dict().Values, .. average?.Tensors.Values ?? []]);

    private void SetFrozen(bool isFrozen)
    {
        foreach (var parameter in trunk)
            parameter.requires_grad = !isFrozen;
    }

    /// <summary>Goes by the score alone: a loss may go on falling for ever where the score cannot rise.</summary>
    private bool HasLostPatience() =>
        options.Patience is { } patience && BestEpoch.ByScore(position.History) is { } best && position.History.Count - best >= patience;

    private PartResult Judge(IReadOnlyList<Prediction> predictions) =>
        new(predictions.Average(prediction => prediction.Loss), task.Score(predictions)) { Quality = monitor?.Quality(predictions) };

    private void SaveCheckpoint()
    {
        if (options.Checkpoint is null)
            return;
        // Of a batch that is not complete.
        if (position.Seen.Count % options.BatchSize != 0)
            GradientSum.ToFirst(learners, model.parameters());
        if (ranks.Rank == 0)
            TrainingCheckpoint.Write(options.Checkpoint, model, optimizer, average, options, position, data.Record!);
    }

    private T WithAverage<T>(Func<T> action)
    {
        average?.Swap();
        try
        {
            return action();
        }
        finally
        {
            average?.Swap();
        }
    }
}
