using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Segmentation;

/// <summary>What the trainer does for whole images it does for maps: learning, judging, going on.</summary>
public class SegmentationTrainingTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(MapLossKind.DiceCrossEntropy)]
    public void Shapes_are_learned(MapLossKind? kind)
    {
        using var model = Shapes.Segmenter();
        var options =
            new TrainingOptions { Epochs = 8, BatchSize = 2, LearningRate = 0.02, Loss = kind is null ? null : new() { Map = kind } };
        using var trainer = new Trainer(model, Shapes.Task, options);

        var epochs = trainer.Fit(Shapes.Samples(12), Shapes.Samples(4, 100)).ToArray();

        Assert.True(epochs[0].Training.Score < 0.6, $"{epochs[0].Training.Score}");
        Assert.True(epochs[^1].Validation!.Score > 0.7, $"{epochs[^1].Validation!.Score}");
        Assert.True(epochs[^1].Training.Score > 0.7, $"{epochs[^1].Training.Score}");
        Assert.True(epochs[^1].Training.Loss < epochs[0].Training.Loss / 2);
    }

    /// <summary>Stopped in the first batch, at its end, within a batch of a later epoch, and at the end of an epoch.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(10)]
    public void A_run_that_goes_on_ends_with_the_same_bits(int imagesBefore)
    {
        using var folder = new TemporaryFolder();
        var options = new TrainingOptions
        {
            Epochs = 3,
            BatchSize = 3,
            LearningRate = 0.01,
            WeightAverage = 0.9,
            Checkpoint = folder.File("checkpoint"),
            Loss = new() { Map = MapLossKind.DiceCrossEntropy, ClassWeights = [1, 2, 3] },
        };
        var (training, validation) = (Shapes.Samples(5), Shapes.Samples(2, 100));
        using var whole = Shapes.Segmenter(withDropout: true);
        using var uninterrupted = new Trainer(whole, Shapes.Task, options with { Checkpoint = null });
        _ = uninterrupted.Fit(training, validation).ToArray();

        using (var first = Shapes.Segmenter(withDropout: true))
        using (var trainer = new Trainer(first, Shapes.Task, options))
        {
            using var stop = new CancellationTokenSource();
            var done = 0;
            foreach (var _ in trainer.Fit(training, validation, new Report(() => StopAfter(++done)), stop.Token))
                StopAfter(done);

            void StopAfter(int images)
            {
                if (images == imagesBefore)
                    stop.Cancel();
            }
        }

        manual_seed(12345);
        using var second = Shapes.Segmenter(withDropout: true);
        using var resumed = new Trainer(second, Shapes.Task, options);
        resumed.Resume(training, validation);
        _ = resumed.Fit(training, validation).ToArray();

        Assert.Equal(uninterrupted.History, resumed.History);
        foreach (var (name, value) in second.state_dict())
            Assert.True(whole.state_dict()[name].bytes.SequenceEqual(value.bytes), name);
    }

    [Fact]
    public void Metrics_are_those_of_all_pixels_together()
    {
        var samples = Shapes.Samples(3);
        using var model = Shapes.Segmenter();
        var predictions = ImageModel.Predict(model, Shapes.Task, samples);

        var pairs = new List<(long Truth, long Said)>();
        using (var grad = no_grad())
        {
            foreach (var sample in samples)
            {
                using var scope = NewDisposeScope();
                using var image = sample.Open(0);
                using var mask = sample.OpenMask!(0);
                var said = model.forward(image.Read(0, 0, image.Height, image.Width)).argmax(1).flatten().data<long>().ToArray();
                var truth = mask.Read(0, 0, mask.Height, mask.Width).to(ScalarType.Int64).flatten().data<long>().ToArray();
                pairs.AddRange(truth.Zip(said).Where(pair => pair.First >= 0));
            }
        }

        double Count(Func<(long Truth, long Said), bool> condition) => pairs.Count(condition);
        double[] both = [.. Enumerable.Range(0, 3).Select(label => Count(pair => pair.Truth == label && pair.Said == label))];
        double[] actual = [.. Enumerable.Range(0, 3).Select(label => Count(pair => pair.Truth == label))];
        double[] said3 = [.. Enumerable.Range(0, 3).Select(label => Count(pair => pair.Said == label))];
        var evaluation = new Evaluation(Shapes.Task, predictions, new() { Resamples = 200 });
        double Metric(string name) => evaluation.Metrics.Single(metric => metric.Name == name).Value;
        string[] names = ["ground", "bright", "dark"];
        foreach (var (label, name) in names.Index())
        {
            Assert.Equal(both[label] / (actual[label] + said3[label] - both[label]), Metric($"IoU of {name}"), 12);
            Assert.Equal(2 * both[label] / (actual[label] + said3[label]), Metric($"Dice of {name}"), 12);
            Assert.Equal(both[label] / actual[label], Metric($"recall of {name}"), 12);
            Assert.Equal(both[label] / said3[label], Metric($"precision of {name}"), 12);
        }

        Assert.Equal(both.Sum() / pairs.Count, Metric("accuracy"), 12);
        Assert.Equal(names.Average(name => Metric($"IoU of {name}")), Metric("mean IoU"), 12);
        Assert.Equal(Metric("mean IoU"), Shapes.Task.Score(predictions));
        var interval = evaluation.Metrics[0].Interval!;
        Assert.True(interval.Low <= Metric("mean IoU") && Metric("mean IoU") <= interval.High);
    }

    /// <summary>A random part may lie where nothing is labelled: it adds nothing, and does not end the run.</summary>
    [Fact]
    public void An_image_without_a_labelled_pixel_adds_nothing()
    {
        using var model = Shapes.Segmenter();
        var before = model.state_dict().ToDictionary(one => one.Key, one => one.Value.clone());
        var sample = Shapes.Samples(1)[0];
        var empty = sample with { OpenMask = _ => Shapes.ClassMap(full([1, 1, 41, 53], SegmentationTask.IgnoredClass, ScalarType.Int16)) };

        var (prediction, _) = ImageModel.Step(model, Shapes.Task, empty, batch: 1, use: 1);

        Assert.Equal(0, prediction.Loss);
        Assert.All(prediction.Values, value => Assert.Equal(0, value));
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
        Assert.Equal(double.NaN, Shapes.Task.Score([prediction]));
        Assert.All(model.state_dict(), one => Assert.True(before[one.Key].bytes.SequenceEqual(one.Value.bytes)));
    }

    [Fact]
    public void A_class_that_is_nowhere_is_in_no_mean()
    {
        // Of class 2 there is none, and none is called so.
        var confusion = new PixelConfusion([6, 2, 0, 1, 3, 0, 0, 0, 0], 3);
        Assert.Equal(((6 / 9.0) + (3 / 6.0)) / 2, confusion.MeanIntersectionOverUnion, 12);
        Assert.Equal(double.NaN, confusion.Dice(2));
        Assert.Equal(0.75, confusion.Accuracy);
    }

    [Fact]
    public void What_is_not_of_maps_is_refused()
    {
        Assert.Equal(
            "The loss cannot be used: label smoothing is of classes and labels; class weights are of cross-entropy and the focal loss, and Dice counts all classes alike.",
            Refusal(new() { LabelSmoothing = 0.1, Map = MapLossKind.Dice, ClassWeights = [1, 1, 1] }, Shapes.Task));
        Assert.Contains(
            "a loss of maps is of segmentation",
            Refusal(new() { Map = MapLossKind.Dice }, new ClassificationTask(["a", "b"])),
            StringComparison.Ordinal);
        Assert.Equal([4.0 / 3, 4.0 / 3, 4.0 / 6], LossOptions.BalancedWeights(
            Shapes.Task, [new("", -1, _ => null!) { Targets = [1, 3, 5] }, new("", -1, _ => null!) { Targets = [2, 0, 1] }]));

        static string Refusal(LossOptions options, LearningTask task) =>
            Assert.Throws<ArgumentException>(() => options.Check(task)).Message;
    }

    private sealed class Report(Action action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action();
    }
}
