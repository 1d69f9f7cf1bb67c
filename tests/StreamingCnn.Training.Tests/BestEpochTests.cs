namespace StreamingCnn.Training.Tests;

public class BestEpochTests
{
    [Fact]
    public void Of_equal_scores_the_lower_loss_counts() =>
        AssertBest(3, byScore: 2, (0.1, 0.8), (0.5, 1), (0.2, 1), (0.3, 1));

    [Fact]
    public void Of_equals_in_all_the_first_counts() => AssertBest(2, byScore: 2, (0.9, 0.5), (0.4, 0.75), (0.4, 0.75));

    [Fact]
    public void A_score_that_is_not_defined_is_the_worst()
    {
        AssertBest(2, byScore: 2, (0.1, double.NaN), (0.9, 0), (0.05, double.NaN));
        AssertBest(3, byScore: 1, (0.9, double.NaN), (0.8, double.NaN), (0.7, double.NaN));
    }

    [Fact]
    public void Without_validation_there_is_none()
    {
        EpochResult[] history = [new(1, new(0.5, 1), null, 0.1)];

        Assert.Null(BestEpoch.Of(history));
        Assert.Null(BestEpoch.ByScore(history));
    }

    private static void AssertBest(int epoch, int byScore, params (double Loss, double Score)[] validation)
    {
        EpochResult[] history = [.. validation.Select((part, i) => new EpochResult(i + 1, new(1, 0), new(part.Loss, part.Score), 0.1))];

        Assert.Equal(epoch, BestEpoch.Of(history));
        Assert.Equal(byScore, BestEpoch.ByScore(history));
    }
}
