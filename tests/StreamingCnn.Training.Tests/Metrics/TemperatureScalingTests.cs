using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Tests.Metrics;

public class TemperatureScalingTests
{
    /// <summary>Labels are drawn with probabilities whose scores are then made three times as large.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Scores_that_are_three_times_too_large_are_found_out(int classes)
    {
        var random = new Random(classes);
        var task = new ClassificationTask([.. Enumerable.Range(0, classes).Select(i => $"{i}")]);
        Prediction[] predictions = [.. Enumerable.Range(0, 4000).Select(_ =>
        {
            double[] scores = [.. Enumerable.Range(0, classes).Select(_ => (random.NextDouble() * 4) - 2)];
            var honest = Softmax(scores);
            var (draw, label) = (random.NextDouble(), 0);
            while (label < classes - 1 && (draw -= honest[label]) > 0)
                label++;
            return task.Judge(new("", label, _ => null!), Softmax([.. scores.Select(score => 3 * score)]));
        })];

        var temperature = TemperatureScaling.Fit(task, predictions);

        Assert.InRange(temperature, 2.7, 3.3);
        var after = new DecisionRule { Temperature = temperature }.Apply(task, predictions);
        Assert.True(after.Average(one => one.Loss) < predictions.Average(one => one.Loss));
        Assert.True(task.Calibration(after).ExpectedError < task.Calibration(predictions).ExpectedError / 3);
    }

    [Fact]
    public void Tempered_probabilities_are_those_of_the_divided_scores()
    {
        double[] scores = [1.5, -0.5, 0.25];
        var classes = new ClassificationTask(["a", "b", "c"]);
        var labels = new MultiLabelTask(["a", "b", "c"]);

        AssertNear(Softmax([.. scores.Select(score => score / 2.5)]), classes.Tempered(Softmax(scores), 2.5));
        AssertNear([.. scores.Select(score => Sigmoid(score / 2.5))], labels.Tempered([.. scores.Select(Sigmoid)], 2.5));
        AssertNear(Softmax(scores), classes.Tempered(Softmax(scores), 1));
        // What is certain by rounding stays a number.
        Assert.All(classes.Tempered([1, 0, 0], 2).Concat(labels.Tempered([1, 0, 0.5], 2)), value => Assert.InRange(value, 0, 1));
    }

    [Fact]
    public void What_is_to_be_monitored_has_a_sign_and_a_name()
    {
        var task = new ClassificationTask(["no", "yes"]);
        Prediction[] predictions = [task.Judge(new("", 0, _ => null!), [0.8, 0.2]), task.Judge(new("", 1, _ => null!), [0.3, 0.7])];

        Assert.Equal(1, MonitoredMetric.Of(task, "auc").Quality(predictions));
        Assert.Equal(-(Math.Log(1 / 0.8) + Math.Log(1 / 0.7)) / 2, MonitoredMetric.Of(task, "loss").Quality(predictions), 1e-12);
        Assert.Equal(-0.065, MonitoredMetric.Of(task, "brier-score").Quality(predictions), 1e-12);
        Assert.Equal(
            "'spearman' cannot be monitored where the task is classes; choose one of loss, auc, accuracy, balanced-accuracy, f1, kappa, log-loss, brier-score, calibration-error. (Parameter 'name')",
            Assert.Throws<ArgumentException>(() => MonitoredMetric.Of(task, "spearman")).Message);
        EpochResult[] history = [new(1, new(1, 0), new(0.3, 0.9) { Quality = 0.5 }, 0.1),
            new(2, new(1, 0), new(0.5, 0.1) { Quality = 0.6 }, 0.1), new(3, new(1, 0), new(0.4, 0) { Quality = 0.6 }, 0.1)];
        Assert.Equal((3, 2), (BestEpoch.Of(history), BestEpoch.ByScore(history)));
    }

    private static double[] Softmax(double[] scores)
    {
        double[] powers = [.. scores.Select(Math.Exp)];
        return [.. powers.Select(power => power / powers.Sum())];
    }

    private static double Sigmoid(double score) => 1 / (1 + Math.Exp(-score));

    private static void AssertNear(IReadOnlyList<double> expected, IReadOnlyList<double> actual) =>
        Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) < 1e-9);
}
