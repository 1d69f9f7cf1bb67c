using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Tests.Metrics;

public class EvaluationTests
{
    [Fact]
    public void Two_classes()
    {
        var evaluation = new Evaluation(
            new ClassificationTask(["no", "yes"]), [Is(0, 0.9, 0.1), Is(0, 0.6, 0.4), Is(1, 0.65, 0.35), Is(1, 0.2, 0.8)]);

        Assert.Equal(
            ["AUC", "accuracy", "balanced accuracy", "F1", "kappa", "log loss", "Brier score", "calibration error"],
            evaluation.Metrics.Select(metric => metric.Name));
        Assert.Equal(0.75, Value(evaluation, "AUC"));
        Assert.Equal(0.75, Value(evaluation, "accuracy"));
        Assert.Equal(0.5, Value(evaluation, "kappa"), 12);
        Assert.Equal("yes", evaluation.RocCurves.Single().Name);
        Assert.Equal(1, evaluation.Confusion![1, 0]);
        Assert.All(evaluation.Metrics, metric => Assert.InRange(metric.Value, metric.Interval!.Low - 1e-9, metric.Interval.High + 1e-9));
        Assert.Equal(evaluation.Predictions[2], evaluation.Worst(1).Single());
    }

    [Fact]
    public void Several_classes()
    {
        var evaluation = new Evaluation(
            new ClassificationTask(["1", "2", "3"]),
            [Is(0, 0.8, 0.1, 0.1), Is(1, 0.2, 0.7, 0.1), Is(2, 0.1, 0.2, 0.7), Is(2, 0.5, 0.1, 0.4)]);

        Assert.Equal(3, evaluation.RocCurves.Count);
        Assert.Equal(0.75, Value(evaluation, "accuracy"));
        Assert.Equal(1 - (4.0 / ((0 * 2 + 1 + 4 + 1 * 2 + 0 + 1 + 2 * (4 * 2 + 1)) / 4.0)), Value(evaluation, "quadratic kappa"), 12);
    }

    [Fact]
    public void One_class_only()
    {
        var evaluation = new Evaluation(new ClassificationTask(["no", "yes"]), [Is(0, 0.9, 0.1), Is(0, 0.6, 0.4)]);

        Assert.Equal("AUC not defined", evaluation.Metrics[0].ToString());
        Assert.Null(evaluation.Metrics[0].Interval);
        Assert.Equal(1, Value(evaluation, "accuracy"));
        Assert.Empty(evaluation.RocCurves);
    }

    [Fact]
    public void Labels()
    {
        var evaluation = new Evaluation(
            new MultiLabelTask(["a", "b"]), [Has([1, 0], 0.8, 0.3), Has([0, 0], 0.4, 0.6), Has([1, 0], 0.7, 0.2)]);

        Assert.Equal(1, Value(evaluation, "AUC of a"));
        Assert.True(double.IsNaN(Value(evaluation, "AUC of b")));
        Assert.Equal(1, Value(evaluation, "AUC"));
        Assert.Equal(5 / 6.0, Value(evaluation, "accuracy"), 12);
        Assert.Equal(2 / 3.0, Value(evaluation, "exact match"), 12);
        Assert.Equal("a", evaluation.RocCurves.Single().Name);
    }

    [Fact]
    public void Numbers()
    {
        var evaluation = new Evaluation(new RegressionTask(["age"]), [Has([3], 2.5), Has([-0.5], 0), Has([2], 2), Has([7], 8)]);

        Assert.Equal(0.5, Value(evaluation, "mean absolute error"));
        Assert.Equal(1, Value(evaluation, "Spearman"), 12);
        Assert.Equal(1, Value(evaluation, "C-index"));
        Assert.Null(evaluation.Confusion);
        Assert.Null(evaluation.Calibration);
    }

    [Fact]
    public void Metrics_are_written_as_a_table()
    {
        using var folder = new TemporaryFolder();
        var evaluation = new Evaluation(new ClassificationTask(["no", "yes"]), [Is(0, 0.9, 0.1), Is(0, 0.6, 0.4)], new() { Resamples = 0 });

        evaluation.WriteMetrics(folder.File("metrics.csv"));

        Assert.Equal(["metric,value,low,high", "AUC,,,", "accuracy,1,,"], File.ReadLines(folder.File("metrics.csv")).Take(3));
    }

    [Fact]
    public void Wrong_options_are_named_together() => Assert.Equal(
        "The options of the evaluation cannot be used: Resamples is -1, but must be 0 or a positive number; Level is 1, but must lie between 0 and 1.",
        Assert.Throws<ArgumentException>(
            () => new Evaluation(new ClassificationTask(["a", "b"]), [Is(0, 1, 0)], new() { Resamples = -1, Level = 1 })).Message);

    private static double Value(Evaluation evaluation, string name) => evaluation.Metrics.Single(metric => metric.Name == name).Value;

    private static Prediction Is(int label, params double[] values) =>
        new(new("image", label, _ => throw new NotSupportedException()), values, -Math.Log(values[label]));

    private static Prediction Has(double[] targets, params double[] values) =>
        new(new("image", -1, _ => throw new NotSupportedException()) { Targets = targets }, values, 0);
}
