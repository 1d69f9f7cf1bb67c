using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests;

/// <summary>Columns of different kinds are each learned and judged as if they were alone.</summary>
public class MixedTaskTests
{
    private static readonly MixedTask Task = new(
    [
        new("grade", new ClassificationTask(["low", "middle", "high"])),
        new("her2", new MultiLabelTask(["her2"])),
        new("age", new RegressionTask(["age"])) { Weight = 0.01 },
    ]);

    [Fact]
    public void Its_loss_is_the_sum_of_those_of_its_columns()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Assert.Equal(["grade=low", "grade=middle", "grade=high", "her2", "age"], Task.Outputs);
        var scores = randn(1, 5, dtype: ScalarType.Float64);
        var sample = Sample("x", 2, 1, 61);
        var (grade, her2, age) = (Task.Columns[0].Task, Task.Columns[1].Task, Task.Columns[2].Task);

        var expected = grade.Loss(scores[TensorIndex.Colon, ..3], Is(2)).item<double>()
            + her2.Loss(scores[TensorIndex.Colon, 3..4], Has(1)).item<double>()
            + (0.01 * age.Loss(scores[TensorIndex.Colon, 4..5], Has(61)).item<double>());
        Assert.Equal(expected, Task.Loss(scores, sample).item<double>(), 1e-9);
        Assert.Equal(expected, Task.Objective(scores, sample, new()).item<double>(), 1e-9);
        Assert.Equal(expected, Task.Judge(sample, Task.Values(scores)).Loss, 1e-9);
        var focused = grade.Objective(scores[TensorIndex.Colon, ..3], Is(2), new() { FocalExponent = 2 }).item<double>()
            + her2.Objective(scores[TensorIndex.Colon, 3..4], Has(1), new() { FocalExponent = 2 }).item<double>()
            + (0.01 * age.Objective(scores[TensorIndex.Colon, 4..5], Has(61), new() { HuberDistance = 3 }).item<double>());
        Assert.Equal(focused, Task.Objective(scores, sample, new() { FocalExponent = 2, HuberDistance = 3 }).item<double>(), 1e-9);
        Assert.Throws<ArgumentException>(() => new LossOptions { ClassWeights = [1, 1, 1, 1, 1] }.Check(Task));
    }

    [Fact]
    public void Each_column_has_the_metrics_that_it_would_have_alone()
    {
        var random = new Random(3);
        Prediction[] predictions =
        [
            .. Enumerable.Range(0, 40).Select(i =>
            {
                double[] grade = [random.NextDouble(), random.NextDouble(), random.NextDouble()];
                return Task.Judge(
                    Sample($"{i}", random.Next(3), random.Next(2), 30 + random.Next(50)),
                    [.. grade.Select(one => one / grade.Sum()), random.NextDouble(), 30 + (50 * random.NextDouble())]);
            }),
        ];

        var all = new Evaluation(Task, predictions, new() { Resamples = 20 });

        foreach (var (place, column) in Task.Columns.Index())
        {
            var alone = new Evaluation(column.Task, Task.Of(predictions, place), new() { Resamples = 0 });
            foreach (var metric in alone.Metrics)
                Assert.Equal(metric.Value, all.Metrics.Single(one => one.Name == $"{metric.Name} of {column.Name}").Value);
        }

        double Of(string name) => all.Metrics.Single(one => one.Name == name).Value;
        Assert.Equal((Of("accuracy of grade") + Of("accuracy of her2") + Of("R2 of age")) / 3, Of("mean score"), 1e-12);
        Assert.NotNull(all.Metrics[0].Interval);
    }

    /// <summary>What an image does not have is a term less, in the loss and in its gradient.</summary>
    [Theory]
    [InlineData(double.NaN, 1, 61)]
    [InlineData(2, double.NaN, 61)]
    [InlineData(2, 1, double.NaN)]
    [InlineData(double.NaN, double.NaN, 61)]
    public void A_missing_value_takes_no_part(double grade, double her2, double age)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        double[] targets = [grade, her2, age];
        int[] present = [.. Enumerable.Range(0, 3).Where(column => !double.IsNaN(targets[column]))];
        var without = new MixedTask([.. present.Select(column => Task.Columns[column])]);
        var part = Sample("x", [.. present.Select(column => targets[column])]);
        var first = randn(1, 5, dtype: ScalarType.Float64).requires_grad_();
        var second = zeros(1, 5, dtype: ScalarType.Float64).requires_grad_();
        using (no_grad())
            second.copy_(first);
        int[] outputs = [.. Enumerable.Range(0, 5).Where(output => present.Contains(Task.Place(output).Column))];
        var chosen = second.index_select(1, tensor(outputs.Select(output => (long)output).ToArray()));

        foreach (var options in (LossOptions[])[new(), new() { FocalExponent = 2, HuberDistance = 3, LabelSmoothing = 0.1 }])
        {
            var (loss, expected) = (Task.Objective(first, Sample("x", targets), options), without.Objective(chosen, part, options));
            Assert.Equal(expected.item<double>(), loss.item<double>(), 1e-12);
            first.grad?.zero_();
            second.grad?.zero_();
            loss.backward();
            expected.backward(retain_graph: true);
            Assert.Equal(0, (first.grad! - second.grad!).abs().max().item<double>(), 1e-12);
        }

        Assert.Equal(without.Loss(chosen, part).item<double>(), Task.Loss(first, Sample("x", targets)).item<double>(), 1e-12);
        Assert.Equal(
            without.Judge(part, without.Values(chosen)).Loss, Task.Judge(Sample("x", targets), Task.Values(first)).Loss, 1e-12);
        var none = Sample("empty.tif", double.NaN, double.NaN, double.NaN);
        Assert.Contains("'empty.tif'", Assert.Throws<ArgumentException>(() => Task.Loss(first, none)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_column_is_judged_by_the_images_that_have_a_value_in_it()
    {
        var random = new Random(5);
        Prediction[] predictions =
        [
            .. Enumerable.Range(0, 60).Select(i =>
            {
                double[] grade = [random.NextDouble(), random.NextDouble(), random.NextDouble()];
                double[] targets = [random.Next(3), random.Next(2), 30 + random.Next(50)];
                targets[i % 3] = double.NaN;
                return Task.Judge(
                    Sample($"{i}", targets),
                    [.. grade.Select(one => one / grade.Sum()), random.NextDouble(), 30 + (50 * random.NextDouble())]);
            }),
        ];

        var all = new Evaluation(Task, predictions, new() { Resamples = 20 });

        foreach (var (place, column) in Task.Columns.Index())
        {
            var own = predictions.Where(one => !double.IsNaN(one.Sample.Targets[place])).ToArray();
            Assert.Equal(40, own.Length);
            Assert.Equal(own.Select(one => one.Sample.Name), Task.Of(predictions, place).Select(one => one.Sample.Name));
            var alone = new Evaluation(column.Task, Task.Of(own, place), new() { Resamples = 0 });
            foreach (var metric in alone.Metrics)
                Assert.Equal(metric.Value, all.Metrics.Single(one => one.Name == $"{metric.Name} of {column.Name}").Value);
        }

        Assert.All(all.Metrics, metric => Assert.False(double.IsNaN(metric.Value)));
        // Of a column without any value nothing is said, and the others are not touched.
        Prediction[] ungraded = [.. predictions.Where((_, i) => i % 3 == 0)];
        var few = new Evaluation(Task, ungraded, new() { Resamples = 0 });
        Assert.True(double.IsNaN(few.Metrics.Single(one => one.Name == "accuracy of grade").Value));
        Assert.False(double.IsNaN(few.Metrics.Single(one => one.Name == "mean score").Value));
        // As they stand in a run's folder.
        using var folder = new TemporaryFolder();
        var lines = predictions.Select(one => PredictionText.CsvLine(Task, one, withTruth: true))
            .Prepend(PredictionText.CsvHeader(Task, withTruth: true));
        var read = PredictionTable.Read(folder.Write("predictions.csv", string.Join('\n', lines)), Task);
        Assert.Equal(predictions.SelectMany(one => one.Sample.Targets), read.SelectMany(one => one.Sample.Targets));
        Assert.All(predictions.Zip(read), pair => Assert.Equal(pair.First.Loss, pair.Second.Loss, 1e-9));
    }

    [Fact]
    public void A_model_describes_its_columns()
    {
        var description = new ModelDescription
        {
            Trunk = "small",
            Task = Task,
            Pooling = HeadPooling.Max,
            Preparation = new ImagePreparation { Channels = 3 },
        };
        var metadata = description.ToMetadata();
        Assert.Equal("classes 3 1 grade\nlabels 1 1 her2\nnumbers 1 0.01 age", metadata["columns"]);
        using var folder = new TemporaryFolder();
        using var model = description.Create();
        WeightFile.Save(model, folder.File("w.safetensors"), metadata);

        var read = Assert.IsType<MixedTask>(ModelDescription.Read(folder.File("w.safetensors")).Task);

        Assert.Equal(Task.Outputs, read.Outputs);
        Assert.Equal(Task.Columns.Select(column => (column.Name, column.Task.Kind, column.Weight)),
            read.Columns.Select(column => (column.Name, column.Task.Kind, column.Weight)));
        // What does not fit is no description.
        foreach (var columns in (string[])["classes 9 1 grade", "nonsense", "classes 5 1 grade", "masks 3 1 grade\nlabels 1 1 her2\nnumbers 1 1 age"])
        {
            WeightFile.Save(
                model, folder.File("w.safetensors"), new Dictionary<string, string>(metadata) { ["columns"] = columns });
            Assert.Throws<WeightFileException>(() => ModelDescription.Read(folder.File("w.safetensors")));
        }
    }

    /// <summary>Brightness as a class, a label and a number at once.</summary>
    [Fact]
    public void All_columns_are_learned()
    {
        var task = new MixedTask(
        [
            new("kind", new ClassificationTask(["dark", "light"])), new("bright", new MultiLabelTask(["bright"])),
            new("level", new RegressionTask(["level"])) { Weight = 4 },
        ]);
        using var model = Samples.Classifier(outputs: 4);
        using var trainer = new Trainer(model, task, new() { Epochs = 12, BatchSize = 2, LearningRate = 0.01 });
        TrainingSample[] Of(int count, int first) => [.. Samples.Brightness(count, first).Select(sample => sample with
        {
            Label = -1, Targets = [sample.Label, 1 - sample.Label, sample.Label],
        })];

        var last = trainer.Fit(Of(12, 0), Of(8, 100)).Last();

        Assert.True(last.Validation!.Score > 0.8, $"{last.Validation.Score}");
        Assert.True(last.Validation.Loss < 0.5, $"{last.Validation.Loss}");
    }

    private static TrainingSample Sample(string name, params double[] targets) => new(name, -1, _ => null!) { Targets = targets };

    private static TrainingSample Is(int label) => new("", label, _ => null!);

    private static TrainingSample Has(double target) => new("", -1, _ => null!) { Targets = [target] };
}
