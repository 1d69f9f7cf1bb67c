using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Tests.Metrics;

/// <summary>A threshold does what was asked for on the images that it was chosen by, and no other one does it better.</summary>
public class OperatingPointTests
{
    private static readonly ClassificationTask Task = new(["no", "yes"]);

    [Theory]
    [InlineData("sensitivity=0.9")]
    [InlineData("sensitivity=1")]
    [InlineData("specificity=0.8")]
    [InlineData("specificity=1")]
    [InlineData("cost=5")]
    [InlineData("cost=0.2")]
    public void No_other_threshold_does_it_better(string text)
    {
        var rule = OperatingRule.Parse(text)!;
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            // Rounded, so that positives and negatives have scores in common.
            Prediction[] predictions = [.. Enumerable.Range(0, 60).Select(i =>
                Is(i % 3 == 0 ? 1 : 0, Math.Round((random.NextDouble() + (i % 3 == 0 ? 0.4 : 0)) / 1.4, 2)))];

            var point = OperatingPoint.Choose(Task, predictions, rule);

            var reached = Shares(point.Apply(predictions));
            var all = Enumerable.Range(0, 1001).Select(i => Shares(Cut(predictions, (i / 1000.0) + 0.00049))).ToArray();
            switch (rule.Goal)
            {
                case OperatingGoal.Sensitivity:
                    Assert.True(reached.Sensitivity >= rule.Value);
                    Assert.Equal(all.Where(one => one.Sensitivity >= rule.Value).Max(one => one.Specificity), reached.Specificity);
                    break;
                case OperatingGoal.Specificity:
                    Assert.True(reached.Specificity >= rule.Value);
                    Assert.Equal(all.Where(one => one.Specificity >= rule.Value).Max(one => one.Sensitivity), reached.Sensitivity);
                    break;
                default:
                    Assert.Equal(all.Min(Cost), Cost(reached), 1e-9);
                    break;
            }
        }

        double Cost((double Sensitivity, double Specificity) at) => (rule.Value * (1 - at.Sensitivity) * 20) + ((1 - at.Specificity) * 40);
    }

    [Fact]
    public void Thresholds_lie_between_scores_so_that_rounding_moves_none_across()
    {
        var point = OperatingPoint.Choose(Task, [Is(0, 0.1), Is(0, 0.4), Is(1, 0.6), Is(1, 0.8)], OperatingRule.Parse("sensitivity=1")!);

        Assert.Equal(0.5, point.Thresholds[1], 1e-12);
        Assert.Equal(1, ClassificationTask.Predicted(Is(0, 0.5001) with { Thresholds = point.Thresholds }));
        Assert.Equal(0, ClassificationTask.Predicted(Is(0, 0.4999) with { Thresholds = point.Thresholds }));
    }

    [Fact]
    public void Each_label_has_its_own_and_one_without_negatives_keeps_a_half()
    {
        var task = new MultiLabelTask(["a", "b"]);
        Prediction Has(double a, double b, double valueA, double valueB) =>
            task.Judge(new("", -1, _ => null!) { Targets = [a, b] }, [valueA, valueB]);
        Prediction[] predictions = [Has(1, 1, 0.3, 0.9), Has(0, 1, 0.1, 0.2), Has(1, 1, 0.4, 0.9)];

        var point = OperatingPoint.Choose(task, predictions, OperatingRule.Parse("sensitivity=1")!);

        Assert.Equal([0.2, 0.5], point.Thresholds, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([1.0, 1.0],
            [.. new Evaluation(task, point.Apply(predictions)).Metrics.Where(one => one.Name is "sensitivity of a" or "specificity of a")
                .Select(one => one.Value)]);
        Assert.Throws<ArgumentException>(() => OperatingPoint.Choose(new ClassificationTask(["a", "b", "c"]), predictions, point.Rule));
    }

    [Theory]
    [InlineData(8, 10, 0.490162, 0.943318)]
    [InlineData(0, 10, 0, 0.277533)]
    [InlineData(10, 10, 0.722467, 1)]
    public void Shares_have_the_published_interval(int count, int of, double low, double high)
    {
        var interval = WilsonInterval.Of(count, of)!;

        Assert.Equal(low, interval.Low, 1e-5);
        Assert.Equal(high, interval.High, 1e-5);
    }

    [Fact]
    public void Sensitivity_and_its_like_are_judged_at_the_point_and_have_intervals_that_are_never_without_width()
    {
        Prediction[] predictions = [Is(0, 0.1), Is(0, 0.4), Is(1, 0.45), Is(1, 0.8)];

        var evaluation = new Evaluation(Task, new OperatingPoint(OperatingRule.Parse("cost=1")!, [0.58, 0.42]).Apply(predictions),
            new() { Resamples = 20 });

        Assert.Equal([1.0, 1, 1, 1],
            [.. evaluation.Metrics.Where(one => one.Name is "sensitivity" or "specificity" or "PPV" or "NPV").Select(one => one.Value)]);
        var interval = evaluation.Metrics.First(one => one.Name == "sensitivity").Interval!;
        Assert.Equal((0.342, 1), (Math.Round(interval.Low, 3), interval.High));
        Assert.Contains("Sensitivity and the like have Wilson's score interval.", evaluation.IntervalNote);
        Assert.Equal(1, evaluation.Metrics.First(one => one.Name == "accuracy").Value);
        Assert.DoesNotContain(new Evaluation(Task, predictions, new() { Resamples = 0 }).Metrics, one => one.Name == "sensitivity");
    }

    [Theory]
    [InlineData("sensitivity")]
    [InlineData("sensitivity=0")]
    [InlineData("sensitivity=1.1")]
    [InlineData("specificity=x")]
    [InlineData("0=0.5")]
    [InlineData("cost=-1")]
    public void What_is_no_rule_is_none(string text) => Assert.Null(OperatingRule.Parse(text));

    private static Prediction Is(int label, double yes) => Task.Judge(new("", label, _ => null!), [1 - yes, yes]);

    private static Prediction[] Cut(Prediction[] predictions, double threshold) =>
        [.. predictions.Select(one => one with { Thresholds = [0, threshold] })];

    private static (double Sensitivity, double Specificity) Shares(IReadOnlyList<Prediction> predictions)
    {
        var confusion = Task.Confusion(predictions);
        return ((double)confusion[1, 1] / confusion.Actual(1), (double)confusion[0, 0] / confusion.Actual(0));
    }
}
