using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Tests.Metrics;

/// <summary>What is not defined is NaN; what is wrong is refused with a sentence.</summary>
public class UndefinedMetricTests
{
    [Fact]
    public void One_class_only_has_no_area()
    {
        Assert.True(double.IsNaN(AreaUnderCurve.Of([0.1, 0.9], [true, true])));
        Assert.True(double.IsNaN(AreaUnderCurve.Of([0.1, 0.9], [false, false])));
        Assert.True(double.IsNaN(AreaUnderCurve.Of([], [])));
        Assert.True(double.IsNaN(AreaUnderCurve.OneAgainstRest([new[] { 0.2, 0.8 }, [0.3, 0.7]], [1, 1])));
        Assert.Empty(RocCurve.Of([0.1, 0.9], [true, true]).Points);
    }

    [Fact]
    public void A_class_that_does_not_occur_is_left_out_of_the_mean() =>
        Assert.Equal(1, AreaUnderCurve.OneAgainstRest([new[] { 0.7, 0.2, 0.1 }, [0.1, 0.8, 0.1]], [0, 1]));

    [Fact]
    public void Nothing_at_all_is_not_a_number()
    {
        var nothing = new ConfusionMatrix([], [], 2);
        double[] values =
        [
            nothing.Accuracy,
            nothing.BalancedAccuracy,
            nothing.MacroF1,
            QuadraticKappa.Of(nothing),
            Correlation.Pearson([], []),
            Correlation.Spearman([1], [1]),
            RegressionError.MeanAbsolute([], []), RegressionError.RootMeanSquare([], []), RegressionError.Determination([], []),
            ConcordanceIndex.Of([], []),
            BrierScore.Of([], Array.Empty<bool>()), Calibration.Of([], []).ExpectedError,
        ];

        Assert.All(values, value => Assert.True(double.IsNaN(value)));
    }

    [Fact]
    public void Constant_numbers_have_no_correlation()
    {
        Assert.True(double.IsNaN(Correlation.Pearson([0.1, 0.1, 0.1], [1, 2, 3])));
        Assert.True(double.IsNaN(Correlation.Spearman([1, 2, 3], [0.1, 0.1, 0.1])));
        Assert.True(double.IsNaN(ConcordanceIndex.Of([1, 2, 3], [5, 5, 5])));
    }

    [Fact]
    public void Not_a_number_is_refused_with_its_place()
    {
        Assert.Equal(
            "Value 1 of the scores is not a number (NaN); leave it out or find out why the model gives it.",
            Assert.Throws<ArgumentException>(() => AreaUnderCurve.Of([0, double.NaN], [true, false])).Message);
        Assert.Throws<ArgumentException>(() => Correlation.Spearman([0, double.NaN], [1, 2]));
        Assert.Throws<ArgumentException>(() => Correlation.Pearson([0, 1], [1, double.NaN]));
        Assert.Throws<ArgumentException>(() => ConcordanceIndex.Of([0, 1], [1, double.NaN]));
        Assert.Throws<ArgumentException>(() => RegressionError.MeanAbsolute([double.NaN], [1]));
        Assert.Equal(
            "Value 0 of the probabilities is 1.5, but a probability lies from 0 to 1.",
            Assert.Throws<ArgumentException>(() => Calibration.Of([1.5], [true])).Message);
        Assert.Throws<ArgumentException>(() => BrierScore.Of([double.NaN], [true]));
    }

    [Fact]
    public void Lists_of_different_lengths_are_refused() => Assert.Equal(
        "There must be as many scores as truths, not 2 and 1.",
        Assert.Throws<ArgumentException>(() => AreaUnderCurve.Of([0, 1], [true])).Message);

    [Fact]
    public void A_class_that_is_none_is_refused() => Assert.Equal(
        "Class 2 of item 1 is not one of the 2 classes, which are numbered from 0.",
        Assert.Throws<ArgumentException>(() => new ConfusionMatrix([0, 1], [0, 2], 2)).Message);
}
