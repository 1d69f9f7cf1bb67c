using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests;

/// <summary>A run that is interrupted and resumed ends with the very weights of one that was not.</summary>
public class ResumeTests
{
    private static readonly ClassificationTask Classes = new(["dark", "light"]);

    public static TheoryData<OptimizerKind, int> Interruptions()
    {
        var data = new TheoryData<OptimizerKind, int>();
        foreach (var optimizer in Enum.GetValues<OptimizerKind>())
        {
            // In the first batch, at its end, within a batch of a later epoch, at the end of an epoch.
            foreach (var images in (int[])[1, 3, 9, 14])
                data.Add(optimizer, images);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Interruptions))]
    public void Bit_for_bit(OptimizerKind optimizer, int imagesBefore)
    {
        using var folder = new TemporaryFolder();
        var options = Options(optimizer, folder.File("checkpoint"));
        var (expected, expectedEpochs) = Uninterrupted(options with { Checkpoint = null });

        using var first = Samples.Classifier();
        using (var trainer = new Trainer(first, Classes, options))
        {
            using var stop = new CancellationTokenSource();
            var done = 0;
            foreach (var _ in trainer.Fit(Training, Validation, new Report(() => StopAfter(++done)), stop.Token))
                StopAfter(done);

            void StopAfter(int images)
            {
                if (images == imagesBefore)
                    stop.Cancel();
            }
        }

        // Another process would have drawn other numbers in between.
        manual_seed(12345);
        using var second = Samples.Classifier();
        using var resumed = new Trainer(second, Classes, options);
        resumed.Resume();
        _ = resumed.Fit(Training, Validation).ToArray();

        Assert.Equal(expectedEpochs, resumed.History);
        foreach (var (name, value) in second.state_dict())
            Assert.True(expected[name].bytes.SequenceEqual(value.bytes), name);
    }

    [Fact]
    public void Checkpoints_within_an_epoch_serve_a_run_that_was_killed()
    {
        using var folder = new TemporaryFolder();
        var options = Options(OptimizerKind.AdamW, folder.File("checkpoint")) with { CheckpointInterval = 2 };
        var (expected, _) = Uninterrupted(options with { Checkpoint = null });

        using var first = Samples.Classifier();
        using (var trainer = new Trainer(first, Classes, options))
        {
            var done = 0;
            // An exception leaves no time to save, as a killed process would not.
            Assert.Throws<OperationCanceledException>(() => trainer.Fit(Training, Validation, new Report(() =>
            {
                if (++done == 12)
                    throw new OperationCanceledException();
            })).ToArray());
        }

        using var second = Samples.Classifier();
        using var resumed = new Trainer(second, Classes, options);
        resumed.Resume();
        _ = resumed.Fit(Training, Validation).ToArray();

        foreach (var (name, value) in second.state_dict())
            Assert.True(expected[name].bytes.SequenceEqual(value.bytes), name);
    }

    /// <summary>The rate falls to 0 at the new end, from where it is in the new length.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void A_run_is_made_longer_or_shorter(int planned)
    {
        using var folder = new TemporaryFolder();
        var options = Options(OptimizerKind.AdamW, folder.File("checkpoint")) with { Epochs = planned };
        using var first = Samples.Classifier();
        using (var trainer = new Trainer(first, Classes, options))
            Assert.Equal(2, trainer.Fit(Training, Validation).Take(2).Count());

        using var second = Samples.Classifier();
        using var resumed = new Trainer(second, Classes, options with { Epochs = 4 });
        resumed.Resume();
        _ = resumed.Fit(Training, Validation).ToArray();

        Assert.Equal([1, 2, 3, 4], resumed.History.Select(epoch => epoch.Epoch));
        // Three updates in each epoch, two of them at the start for warming up: the last ones of two epochs are the 9th and the 12th.
        Assert.Equal(0.01 * 0.5 * (1 + Math.Cos(Math.PI * 6 / 10)), resumed.History[2].LearningRate, 12);
        Assert.Equal(0.01 * 0.5 * (1 + Math.Cos(Math.PI * 9 / 10)), resumed.History[3].LearningRate, 12);
    }

    [Fact]
    public void Other_settings_images_and_models_are_refused()
    {
        using var folder = new TemporaryFolder();
        var options = Options(OptimizerKind.AdamW, folder.File("checkpoint")) with { Epochs = 1 };
        using var model = Samples.Classifier();
        using (var trainer = new Trainer(model, Classes, options))
            _ = trainer.Fit(Training, Validation).ToArray();

        using var otherRate = new Trainer(model, Classes, options with { LearningRate = 0.5, BatchSize = 2 });
        Assert.Equal(
            $"The run in '{options.Checkpoint}' has other settings: BatchSize 3 instead of 2; LearningRate 0.01 instead of 0.5; resume with the same ones.",
            Assert.Throws<TrainingException>(otherRate.Resume).Message);

        using var larger = Samples.Classifier(outputs: 3);
        using var otherModel = new Trainer(larger, new ClassificationTask(["a", "b", "c"]), options);
        Assert.Contains("trains another model: 'head.classifier.weight'", Assert.Throws<TrainingException>(otherModel.Resume).Message);

        using var otherImages = new Trainer(model, Classes, options);
        otherImages.Resume();
        Assert.Contains(
            "are not those", Assert.Throws<TrainingException>(() => otherImages.Fit(Samples.Brightness(3), []).ToArray()).Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(2000)]
    public void A_damaged_checkpoint_is_named(int bytes)
    {
        using var folder = new TemporaryFolder();
        var options = Options(OptimizerKind.AdamW, folder.File("checkpoint")) with { Epochs = 1 };
        using var model = Samples.Classifier();
        using (var trainer = new Trainer(model, Classes, options))
            _ = trainer.Fit(Training, Validation).ToArray();
        File.WriteAllBytes(options.Checkpoint!, File.ReadAllBytes(options.Checkpoint!)[..bytes]);

        using var resumed = new Trainer(model, Classes, options);

        Assert.Contains(options.Checkpoint!, Assert.Throws<Interop.Weights.WeightFileException>(resumed.Resume).Message);
    }

    private static TrainingSample[] Training => Samples.Brightness(7);

    private static TrainingSample[] Validation => Samples.Brightness(3, 100);

    private static TrainingOptions Options(OptimizerKind optimizer, string checkpoint) => new()
    {
        Optimizer = optimizer,
        Epochs = 3,
        BatchSize = 3,
        LearningRate = 0.01,
        Schedule = LearningRateSchedule.Cosine,
        WarmUp = 2,
        ClipNorm = 0.5,
        WeightAverage = 0.95,
        FrozenEpochs = 1,
        Checkpoint = checkpoint,
    };

    private static (Dictionary<string, Tensor> Weights, IReadOnlyList<EpochResult> Epochs) Uninterrupted(TrainingOptions options)
    {
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, Classes, options);
        _ = trainer.Fit(Training, Validation).ToArray();
        return (model.state_dict().ToDictionary(weight => weight.Key, weight => weight.Value.clone()), trainer.History);
    }

    private sealed class Report(Action action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action();
    }
}
