using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Tests.Metrics;

/// <summary>Metrics give what publications say that they give.</summary>
public class PublishedExampleTests
{
    /// <summary>
    /// Hanley and McNeil, Radiology 143 (1982), table I: 109 computed tomographies, rated from "definitely normal" to "definitely
    /// abnormal". They state W = 0.893. Nearly all pairs of ratings are ties or not by thousands, so that the half for ties matters.
    /// </summary>
    [Fact]
    public void Area_of_rated_images_by_Hanley_and_McNeil()
    {
        int[] normal = [33, 6, 6, 11, 2], abnormal = [3, 2, 2, 11, 33];
        var scores = Rated(normal).Concat(Rated(abnormal)).ToArray();
        var truth = Rated(normal).Select(_ => false).Concat(Rated(abnormal).Select(_ => true)).ToArray();

        Assert.Equal(0.893, AreaUnderCurve.Of(scores, truth), 5e-4);

        static IEnumerable<double> Rated(int[] counts) => counts.SelectMany((count, rating) => Enumerable.Repeat((double)rating, count));
    }

    /// <summary>
    /// scikit-learn, documentation of <c>roc_auc_score</c> and <c>roc_curve</c> (the latter with <c>drop_intermediate=False</c>).
    /// </summary>
    [Fact]
    public void Curve_of_scikit_learn()
    {
        var curve = RocCurve.Of([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);

        Assert.Equal(0.75, curve.Area);
        Assert.Equal([0, 0, 0.5, 0.5, 1], curve.Points.Select(point => point.FalsePositiveRate));
        Assert.Equal([0, 0.5, 0.5, 1, 1], curve.Points.Select(point => point.TruePositiveRate));
        Assert.Equal([double.PositiveInfinity, 0.8, 0.4, 0.35, 0.1], curve.Points.Select(point => point.Threshold));
    }

    /// <summary>scikit-learn, documentation of <c>confusion_matrix</c>.</summary>
    [Fact]
    public void Confusion_of_scikit_learn()
    {
        var matrix = new ConfusionMatrix([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2], 3);

        int[][] expected = [[2, 0, 0], [0, 0, 1], [1, 0, 2]];
        for (var row = 0; row < 3; row++)
            Assert.Equal(expected[row], Enumerable.Range(0, 3).Select(column => matrix[row, column]));
    }

    /// <summary>scikit-learn, documentation of <c>balanced_accuracy_score</c>.</summary>
    [Fact]
    public void Balanced_accuracy_of_scikit_learn() =>
        Assert.Equal(0.625, new ConfusionMatrix([0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1], 2).BalancedAccuracy, 12);

    /// <summary>scikit-learn, documentation of <c>f1_score</c> with <c>average='macro'</c>: 0.26...</summary>
    [Fact]
    public void F1_of_scikit_learn() =>
        Assert.Equal(4 / 15.0, new ConfusionMatrix([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], 3).MacroF1, 12);

    /// <summary>scikit-learn, documentation of <c>brier_score_loss</c>.</summary>
    [Fact]
    public void Brier_score_of_scikit_learn() =>
        Assert.Equal(0.0375, BrierScore.Of([0.1, 0.9, 0.8, 0.3], [false, true, true, false]), 12);

    /// <summary>scikit-learn, documentation of <c>mean_absolute_error</c>, <c>root_mean_squared_error</c> and <c>r2_score</c>.</summary>
    [Fact]
    public void Errors_of_scikit_learn()
    {
        double[] actual = [3, -0.5, 2, 7], predicted = [2.5, 0, 2, 8];

        Assert.Equal(0.5, RegressionError.MeanAbsolute(predicted, actual), 12);
        Assert.Equal(Math.Sqrt(0.375), RegressionError.RootMeanSquare(predicted, actual), 12);
        Assert.Equal(0.9486081370449679, RegressionError.Determination(predicted, actual), 12);
    }

    /// <summary>Wikipedia, "Cohen's kappa": fifty grant proposals read by two people, 20 and 15 times of one mind; kappa is 0.40.</summary>
    [Fact]
    public void Kappa_of_grant_proposals()
    {
        int[] one = [.. Enumerable.Repeat(1, 25), .. Enumerable.Repeat(0, 25)];
        int[] other = [.. Enumerable.Repeat(1, 20), .. Enumerable.Repeat(0, 5), .. Enumerable.Repeat(1, 10), .. Enumerable.Repeat(0, 15)];

        Assert.Equal(0.4, QuadraticKappa.Of(new(one, other, 2)), 12);
    }

    /// <summary>Wikipedia, "Spearman's rank correlation coefficient": IQ and hours before the television of ten people; -29/165.</summary>
    [Fact]
    public void Spearman_of_television() => Assert.Equal(
        -29 / 165.0,
        Correlation.Spearman([106, 100, 86, 101, 99, 103, 97, 113, 112, 110], [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]),
        12);

    /// <summary>Anscombe, "Graphs in statistical analysis", The American Statistician 27 (1973), first data set: 0.816.</summary>
    [Fact]
    public void Pearson_of_Anscombe() => Assert.Equal(
        0.816,
        Correlation.Pearson(
            [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5],
            [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]),
        5e-4);
}
