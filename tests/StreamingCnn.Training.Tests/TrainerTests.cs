using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests;

public class TrainerTests
{
    private static readonly ClassificationTask Classes = new(["dark", "light"]);

    [Theory]
    [InlineData(OptimizerKind.AdamW, HeadPooling.Average)]
    [InlineData(OptimizerKind.Adam, HeadPooling.Max)]
    [InlineData(OptimizerKind.Sgd, HeadPooling.Attention)]
    public void It_learns(OptimizerKind optimizer, HeadPooling pooling)
    {
        using var model = Samples.Classifier(pooling: pooling);
        using var trainer = new Trainer(
            model,
            Classes,
            new() { Epochs = 8, BatchSize = 2, LearningRate = optimizer == OptimizerKind.Sgd ? 0.1 : 0.01, Optimizer = optimizer });

        var epochs = trainer.Fit(Samples.Brightness(12), Samples.Brightness(8, 100)).ToArray();

        Assert.Equal(8, epochs.Length);
        Assert.True(epochs[^1].Training.Loss < 0.7 * epochs[0].Training.Loss, $"{epochs[0].Training.Loss} to {epochs[^1].Training.Loss}");
        Assert.Equal(1, epochs[^1].Validation!.Score);
    }

    /// <summary>
    /// Against what somebody loses who knows no more than that half of the images are bright: the first epoch may have learned all there
    /// is.
    /// </summary>
    [Fact]
    public void Several_labels_and_numbers_are_learned_as_well()
    {
        (LearningTask, double)[] tasks = [(new MultiLabelTask(["light"]), Math.Log(2)), (new RegressionTask(["brightness"]), 0.25)];
        foreach (var (task, chance) in tasks)
        {
            using var model = Samples.Classifier(outputs: 1);
            using var trainer = new Trainer(model, task, new() { Epochs = 10, BatchSize = 2, LearningRate = 0.01 });

            var losses = trainer.Fit(Samples.Brightness(12), Samples.Brightness(8, 100)).Select(epoch => epoch.Validation!.Loss).ToArray();

            Assert.True(losses[^1] < 0.5 * chance && losses.Min() < 0.1 * chance, $"{task.Kind}: {string.Join(", ", losses)}");
        }
    }

    [Fact]
    public void Frozen_epochs_train_the_head_alone()
    {
        using var model = Samples.Classifier();
        var trunk = Copy(model.Features.parameters());
        var head = Copy(model.Head.parameters());
        using var trainer = new Trainer(model, Classes, new() { Epochs = 2, FrozenEpochs = 1, BatchSize = 2, WeightDecay = 0.1 });
        using var epochs = trainer.Fit(Samples.Brightness(4), []).GetEnumerator();

        Assert.True(epochs.MoveNext());
        Assert.True(Same(trunk, Copy(model.Features.parameters())));
        Assert.False(Same(head, Copy(model.Head.parameters())));
        Assert.True(epochs.MoveNext());
        Assert.False(Same(trunk, Copy(model.Features.parameters())));
    }

    [Fact]
    public void Training_stops_when_the_score_no_longer_rises()
    {
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, Classes, new() { Epochs = 50, LearningRate = 1e-9, BatchSize = 4, Patience = 3 });

        Assert.Equal(4, trainer.Fit(Samples.Brightness(4), Samples.Brightness(4, 100)).Count());
        Assert.Equal(BestEpoch.Of(trainer.History) == 4, trainer.IsBest);
    }

    [Fact]
    public void Of_epochs_with_the_same_score_the_one_with_the_lower_loss_is_best()
    {
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, Classes, new() { Epochs = 8, BatchSize = 2, LearningRate = 0.01 });
        var best = new List<(int Epoch, bool IsBest)>();
        foreach (var epoch in trainer.Fit(Samples.Brightness(12), Samples.Brightness(8, 100)))
            best.Add((epoch.Epoch, trainer.IsBest));

        var perfect = trainer.History.Where(epoch => epoch.Validation!.Score == 1).ToArray();
        Assert.True(perfect.Length > 1, "The scores of several epochs are to be equal.");
        Assert.Equal(perfect.MinBy(epoch => epoch.Validation!.Loss)!.Epoch, best.Last(epoch => epoch.IsBest).Epoch);
        Assert.NotEqual(perfect[0].Epoch, best.Last(epoch => epoch.IsBest).Epoch);
    }

    [Fact]
    public void Balanced_drawing_shows_rare_classes_as_often_as_others()
    {
        var rare = Samples.Brightness(40).Where((sample, i) => sample.Label == 0 || i == 1).ToArray();
        var seen = new List<int>();
        var counted = rare.Select(sample => sample with
        {
            Open = use =>
            {
                seen.Add(sample.Label);
                return sample.Open(use);
            },
        }).ToArray();
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, Classes, new() { Epochs = 8, Balanced = true });

        Assert.Equal(8, trainer.Fit(counted, []).Count());

        Assert.Equal(8 * rare.Length, seen.Count);
        Assert.InRange(seen.Average(), 0.4, 0.6);
    }

    [Fact]
    public void Averaged_weights_are_what_is_judged_and_saved()
    {
        using var folder = new TemporaryFolder();
        using var model = Samples.Classifier();
        var task = Classes;
        using var trainer = new Trainer(model, task, new() { Epochs = 3, BatchSize = 2, LearningRate = 0.05, WeightAverage = 0.9 });
        var validation = Samples.Brightness(6, 100);
        var last = trainer.Fit(Samples.Brightness(8), validation).Last();
        trainer.SaveWeights(folder.File("average.safetensors"));
        var raw = Copy(model.parameters());

        using var averaged = Samples.Classifier();
        Interop.Weights.WeightFile.Load(averaged, folder.File("average.safetensors"));

        Assert.False(Same(raw, Copy(averaged.parameters())));
        Assert.Equal(last.Validation!.Loss, ImageModel.Predict(averaged, task, validation).Average(prediction => prediction.Loss), 1e-12);
    }

    [Fact]
    public void An_image_that_is_no_number_is_named()
    {
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, Classes, new() { Epochs = 1 });
        var bad = new TrainingSample("bad.tif", 0, _ => new Imaging.TensorImageSource(full([1, 3, 20, 20], float.PositiveInfinity)));

        var failure = Assert.Throws<TrainingException>(() => trainer.Fit([bad], []).ToArray());

        Assert.Equal(
            "Image 'bad.tif' holds values that are not finite numbers, near row 0 and column 0; repair it or leave it out.",
            failure.Message);
    }

    [Fact]
    public void A_rate_that_makes_the_loss_explode_is_named()
    {
        using var model = Samples.Classifier(outputs: 1);
        using var trainer = new Trainer(
            model,
            new RegressionTask(["brightness"]),
            new() { Epochs = 40, BatchSize = 1, Optimizer = OptimizerKind.Sgd, LearningRate = 1e6 });

        var failure = Assert.Throws<TrainingException>(() => trainer.Fit(Samples.Brightness(4), []).ToArray());

        Assert.EndsWith("is not a finite number; choose a lower learning rate.", failure.Message);
    }

    [Fact]
    public void All_wrong_options_are_named_together()
    {
        using var model = Samples.Classifier();

        var failure = Assert.Throws<ArgumentException>(
            () => new Trainer(model, Classes, new() { Epochs = 0, LearningRate = double.NaN, WeightAverage = 1, ClipNorm = -1 }));

        Assert.Equal(
            "The training options cannot be used: Epochs is 0, but must be at least 1; LearningRate is NaN, but must be a positive number; "
            + "ClipNorm is -1, but must be a positive number; WeightAverage is 1, but must be from 0 to below 1.",
            failure.Message);
    }

    private static Tensor[] Copy(IEnumerable<TorchSharp.Modules.Parameter> parameters) =>
        [.. parameters.Select(parameter => parameter.detach().clone())];

    private static bool Same(Tensor[] one, Tensor[] other) => one.Zip(other, (a, b) => a.bytes.SequenceEqual(b.bytes)).All(same => same);

    [Fact]
    public void The_loss_that_is_reported_is_the_mean_of_the_epoch_so_far()
    {
        var samples = Samples.Brightness(6);
        using var model = Samples.Classifier();
        using var trainer = new Trainer(model, new ClassificationTask(["dark", "light"]), new() { Epochs = 2, BatchSize = 6 });
        var reported = new List<TrainingProgress>();

        var results = trainer.Fit(samples, [], new Reporter(reported.Add)).ToArray();

        Assert.Equal([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6], reported.Select(progress => progress.Done));
        Assert.Equal(results.Select(result => result.Training.Loss), [reported[5].Loss, reported[11].Loss]);
        Assert.All(reported, progress => Assert.True(double.IsFinite(progress.Loss)));
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
