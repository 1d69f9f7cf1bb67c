using StreamingCnn.Experiments.Ladder;

namespace StreamingCnn.Experiments.Tests;

public class LadderComparisonTests
{
    private static readonly string[] Labels = [.. Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? "0" : "1")];

    [Fact]
    public void A_perfect_rung_above_a_guessing_one_has_intervals_apart()
    {
        var comparison = LadderComparison.Of([Scored(i => i / 2 % 2), Scored(i => i % 2)]);

        Assert.Equal("AUC", comparison.Metric);
        Assert.Equal([0.5, 1], comparison.Values.Select(value => Math.Round(value.Value, 9)));
        Assert.Equal(0.5, comparison.Gains.Single().Value, 9);
        Assert.Equal("better, intervals apart", comparison.Verdict(1));
    }

    [Fact]
    public void A_fall_is_called_worse()
    {
        Assert.Equal("worse", LadderComparison.Of([Scored(i => i % 2), Scored(i => i / 2 % 2)]).Verdict(1));
    }

    [Fact]
    public void Equal_rungs_show_no_difference()
    {
        var comparison = LadderComparison.Of([Scored(i => i / 2 % 2), Scored(i => i / 2 % 2)]);

        Assert.Equal(0, comparison.Gains.Single().Value);
        Assert.Equal("no difference shown", comparison.Verdict(1));
    }

    [Fact]
    public void More_than_two_classes_are_judged_by_accuracy()
    {
        string[] labels = [.. Enumerable.Range(0, 90).Select(i => $"{i % 3}")];
        var comparison = LadderComparison.Of([new(labels, [.. labels.Select(_ => "1")], null, "2"), new(labels, labels, null, "2")]);

        Assert.Equal("accuracy", comparison.Metric);
        Assert.Equal([1.0 / 3, 1], comparison.Values.Select(value => value.Value));
    }

    [Fact]
    public void Different_test_images_are_refused()
    {
        string[] others = [.. Labels.Reverse()];
        Assert.Throws<InvalidDataException>(
            () => LadderComparison.Of([Scored(i => i), new(others, others, [.. others.Select(_ => 0.5)], "1")]));
    }

    private static RungPredictions Scored(Func<int, double> score) => new(Labels, Labels, [.. Labels.Select((_, i) => score(i))], "1");
}
