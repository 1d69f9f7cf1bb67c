using StreamingCnn.Distributed;
using StreamingCnn.Distributed.Threads;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Ranks;

/// <summary>How many ranks share the images makes no difference but for rounding: losses, weights, running statistics.</summary>
[Collection(nameof(Alone))]
public class RankedTrainingTests
{
    private const double Rounding = 1e-9;

    private static readonly ClassificationTask Classes = new(["dark", "light"]);

    private static readonly TrainingOptions Options =
        new() { Epochs = 3, BatchSize = 3, LearningRate = 0.01, ClipNorm = 0.5, WeightAverage = 0.9 };

    [Fact]
    public void Losses_and_weights_are_those_of_one_process()
    {
        var training = Samples.Brightness(5);
        var alone = Train(1, Options, training: training);
        Assert.Equal(3, alone.History.Count);
        var shared = Enumerable.Range(2, 3).Select(ranks => Train(ranks, Options, training: training)).ToArray();
        foreach (var (i, outcome) in shared.Index())
            AssertNear(alone, outcome, $"{i + 2} ranks");
        AssertSameBits(shared[1], Train(3, Options, training: training));
    }

    /// <summary>Ranks that share each image, in stripes; also stopped by one of them in the middle of a batch.</summary>
    [Fact]
    public void So_they_are_where_ranks_share_each_image()
    {
        using var folder = new TemporaryFolder();
        var options = Options with { Checkpoint = folder.File("checkpoint"), CheckpointInterval = 2, BatchSize = 5, Epochs = 2 };
        var alone = Train(1, options with { Checkpoint = null });

        var shared = Train(3, options with { Checkpoint = null }, sharesImages: true);
        AssertNear(alone, shared, "3 ranks");
        AssertSameBits(shared, Train(3, options with { Checkpoint = null }, sharesImages: true));

        Assert.Single(Train(3, options, stopAfter: 11, sharesImages: true).History);
        File.Copy(folder.File("checkpoint"), folder.File("again"));
        AssertNear(alone, Train(2, options, resume: true, sharesImages: true), "2 ranks that go on");
        AssertNear(alone, Train(2, options with { Checkpoint = folder.File("again") }, resume: true), "2 ranks with images of their own");
    }

    /// <summary>Rounds of a batch that leave ranks without an image, too: all ranks end alike, and otherwise than each by itself.</summary>
    [Fact]
    public void Batch_norms_may_look_at_the_images_of_all_ranks()
    {
        var training = Samples.Brightness(5);
        var synchronised = Train(2, Options, training: training, syncsBatchNorm: true);

        AssertSameBits(synchronised, Train(2, Options, training: training, syncsBatchNorm: true));
        var apart = Train(2, Options, training: training);
        Assert.NotEqual(apart.History[^1].Training.Loss, synchronised.History[^1].Training.Loss);
        // Batches of 3 and 2 images are 3 rounds in each epoch; without that each image counts.
        Assert.Equal([Options.Epochs * 3], Counted(synchronised));
        Assert.Equal([Options.Epochs * 5], Counted(apart));
        AssertNear(Train(1, Options, training: training), Train(1, Options, training: training, syncsBatchNorm: true), "1 rank");

        static double[] Counted(Outcome outcome) =>
            outcome.State.Single(entry => entry.Name.EndsWith("norm3.num_batches_tracked", StringComparison.Ordinal)).Values;
    }

    [Fact]
    public void Ranks_that_are_always_the_same_are_refused()
    {
        using var models = new Models(2);
        ThreadRanks.Run(2, ranks =>
        {
            models.Renew(ranks.Rank, options => options with { SyncBatchNormOver = ranks });
            var refusal = Assert.Throws<ArgumentException>(() => new Trainer(models[ranks.Rank], Classes, Options, ranks));
            Assert.Contains("make it FirstRanks of the trainer's", refusal.Message, StringComparison.Ordinal);
        });
    }

    /// <summary>Stopped by one of four ranks in the middle of a batch; one and two ranks go on.</summary>
    [Fact]
    public void Another_number_of_ranks_goes_on()
    {
        using var folder = new TemporaryFolder();
        var options = Options with { Checkpoint = folder.File("checkpoint"), CheckpointInterval = 2, BatchSize = 5, Epochs = 2 };
        var whole = Train(1, options with { Checkpoint = null });

        var stopped = Train(4, options, stopAfter: 11);
        Assert.Single(stopped.History);
        File.Copy(folder.File("checkpoint"), folder.File("again"));
        AssertNear(whole, Train(2, options, resume: true), "2 ranks");
        AssertNear(whole, Train(1, options with { Checkpoint = folder.File("again") }, resume: true), "1 rank");
    }

    [Fact]
    public void An_image_that_fails_on_one_ends_all_with_its_name()
    {
        var training = Samples.Brightness(7);
        training[3] = training[3] with { Open = _ => throw new IOException("The disk is gone.") };
        var failure = Assert.Throws<TrainingException>(() => Train(3, Options, training: training));
        Assert.Equal("Image 'image 3' cannot be worked on: The disk is gone.", failure.Message);
    }

    [Fact]
    public void Other_images_on_one_rank_are_refused()
    {
        using var models = new Models(2);
        var failure = Assert.Throws<TrainingException>(() => ThreadRanks.Run(2, ranks =>
        {
            using var trainer = new Trainer(models[ranks.Rank], Classes, Options, ranks);
            _ = trainer.Fit(Samples.Brightness(5, firstSeed: ranks.Rank), []).ToArray();
        }));
        Assert.StartsWith("Rank 1 has other images or labels than rank 0", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Whatever else draws random numbers, an image's dropout is its own.</summary>
    [Fact]
    public void Dropout_follows_from_the_use_alone()
    {
        var (quiet, noisy) = (Losses(() => { }), Losses(() => rand(10).Dispose()));
        Assert.Equal(quiet, noisy);

        static IReadOnlyList<EpochResult> Losses(Action between)
        {
            using var model = Samples.Classifier();
            using var trainer = new Trainer(model, Classes, Options with { Epochs = 2 });
            _ = trainer.Fit(Samples.Brightness(4), [], new Report(_ => between())).ToArray();
            return trainer.History;
        }
    }

    private static Outcome Train(
        int count,
        TrainingOptions options,
        int? stopAfter = null,
        bool resume = false,
        TrainingSample[]? training = null,
        bool sharesImages = false,
        bool syncsBatchNorm = false)
    {
        training ??= Samples.Brightness(7);
        // An odd number, which leaves ranks without an image.
        var validation = Samples.Brightness(3, 100);
        using var models = new Models(count);
        var outcomes = new Outcome[count];
        ThreadRanks.Run(count, ranks =>
        {
            using var stop = new CancellationTokenSource();
            if (sharesImages)
                models.Renew(ranks.Rank, options => options with { Tile = (24, 12), SplitOver = ranks });
            if (syncsBatchNorm)
                models.Renew(ranks.Rank, options => options with { SyncBatchNormOver = new FirstRanks(ranks) });
            ranks.Meet();
            using var trainer = new Trainer(models[ranks.Rank], Classes, options, ranks);
            if (resume)
                trainer.Resume(training, validation);
            var images = 0;
            var progress = new Report(value =>
            {
                images = ((value.Epoch - 1) * value.Images) + value.Done;
                // One rank alone is told.
                if (ranks.Rank == count - 1 && images >= stopAfter)
                    stop.Cancel();
            });
            _ = trainer.Fit(training, validation, progress, stop.Token).ToArray();
            outcomes[ranks.Rank] = new(
                trainer.History, images, [.. models[ranks.Rank].state_dict().Select(entry => (entry.Key, Numbers(entry.Value)))]);
        });
        foreach (var other in outcomes)
            AssertSameBits(outcomes[0], other);
        return outcomes[0];
    }

    private static double[] Numbers(Tensor value)
    {
        using var scope = NewDisposeScope();
        return value.detach().to(ScalarType.Float64).data<double>().ToArray();
    }

    private static void AssertNear(Outcome expected, Outcome actual, string what)
    {
        Assert.Equal(expected.History.Count, actual.History.Count);
        foreach (var (one, other) in expected.History.Zip(actual.History))
        {
            Assert.True(
                Math.Abs(one.Training.Loss - other.Training.Loss) < Rounding,
                $"{what}, epoch {one.Epoch}: {one.Training.Loss} and {other.Training.Loss}");
            Assert.True(
                Math.Abs(one.Validation!.Loss - other.Validation!.Loss) < Rounding,
                $"{what}, epoch {one.Epoch}: {one.Validation.Loss} and {other.Validation.Loss}");
            Assert.Equal(
                (one.Training.Score, one.Validation.Score, one.LearningRate),
                (other.Training.Score, other.Validation.Score, other.LearningRate));
        }

        foreach (var ((name, one), (_, other)) in expected.State.Zip(actual.State))
            Assert.True(one.Zip(other).Max(pair => Math.Abs(pair.First - pair.Second)) < Rounding, $"{what}: {name}");
    }

    private static void AssertSameBits(Outcome one, Outcome other)
    {
        Assert.Equal(one.History, other.History);
        Assert.Equal(one.Images, other.Images);
        foreach (var ((name, expected), (_, actual)) in one.State.Zip(other.State))
            Assert.True(expected.SequenceEqual(actual), name);
    }

    private sealed record Outcome(IReadOnlyList<EpochResult> History, int Images, IReadOnlyList<(string Name, double[] Values)> State);

    private sealed class Report(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action(value);
    }

    /// <summary>
    /// A model for each rank, with norms that follow each image's statistics: with a momentum, with the mean of all, and one that is called
    /// twice.
    /// </summary>
    private sealed class Models : IDisposable
    {
        private readonly StreamingClassifier[] models;

        public Models(int count) => models = [.. Enumerable.Range(0, count).Select(_ => Make(options => options))];

        public StreamingClassifier this[int rank] => models[rank];

        /// <summary>Makes a rank's model anew, with other options.</summary>
        public void Renew(int rank, Func<StreamingOptions, StreamingOptions> change)
        {
            // Weights come from one generator.
            lock (models)
            {
                models[rank].Dispose();
                models[rank] = Make(change);
            }
        }

        public void Dispose()
        {
            foreach (var model in models)
                model.Dispose();
        }

        private static StreamingClassifier Make(Func<StreamingOptions, StreamingOptions> change)
        {
            manual_seed(7);
            var twice = BatchNorm2d(6, momentum: 0.2);
            var mean = BatchNorm2d(8);
            mean.momentum = null;
            var trunk = Sequential(
                ("conv1", Conv2d(3, 6, 3, stride: 2, padding: 1)),
                ("norm1", twice),
                ("act1", ReLU()),
                ("norm2", twice),
                ("conv2", Conv2d(6, 8, 3, padding: 1)),
                ("norm3", mean), ("act2", ReLU()));
            var options = change(new() { Tile = (24, 24) });
            return (StreamingClassifier)new StreamingClassifier(trunk, 2, options).to(ScalarType.Float64);
        }
    }
}
