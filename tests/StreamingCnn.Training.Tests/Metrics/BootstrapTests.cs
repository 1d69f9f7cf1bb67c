using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Tests.Metrics;

public class BootstrapTests
{
    [Fact]
    public void The_interval_of_a_mean_is_that_of_the_normal_distribution()
    {
        // The sum of twelve uniform numbers has a variance of 1 and is as good as normal; the mean of 400 then has a standard error of
        // 1/20.
        var random = new Random(5);
        double[] numbers = [.. Enumerable.Range(0, 400).Select(_ => Enumerable.Range(0, 12).Sum(_ => random.NextDouble()) - 6)];
        var deviation = Math.Sqrt(numbers.Average(number => Math.Pow(number - numbers.Average(), 2)));

        var interval = Bootstrap.Intervals<double>(numbers, [drawn => drawn.Average()], resamples: 4000).Single()!;

        Assert.Equal(numbers.Average() - (1.96 * deviation / 20), interval.Low, 0.01);
        Assert.Equal(numbers.Average() + (1.96 * deviation / 20), interval.High, 0.01);
        Assert.Equal("percentile bootstrap, 4000 resamples, seed 1", interval.Method);
    }

    [Fact]
    public void The_interval_of_a_mean_holds_the_true_mean_as_often_as_it_says()
    {
        var held = Enumerable.Range(0, 300).Count(experiment =>
        {
            var random = new Random(1000 + experiment);
            double[] numbers = [.. Enumerable.Range(0, 60).Select(_ => random.NextDouble())];
            var interval = Bootstrap.Intervals<double>(numbers, [drawn => drawn.Average()], resamples: 300, level: 0.9, seed: experiment)
                .Single()!;
            return interval.Low <= 0.5 && 0.5 <= interval.High;
        });

        Assert.InRange(held / 300.0, 0.84, 0.95);
    }

    [Fact]
    public void The_same_seed_gives_the_same_interval_and_another_one_another()
    {
        double[] numbers = [.. Enumerable.Range(0, 30).Select(i => (double)i * i)];
        ConfidenceInterval Of(int seed) => Bootstrap.Intervals<double>(numbers, [drawn => drawn.Average()], seed: seed).Single()!;

        Assert.Equal(Of(3), Of(3));
        Assert.NotEqual(Of(3).Low, Of(4).Low);
    }

    [Fact]
    public void Strata_keep_their_size()
    {
        (int Stratum, int Number)[] items = [.. Enumerable.Range(0, 40).Select(i => (i < 3 ? 1 : 0, i))];

        var interval = Bootstrap.Intervals<(int Stratum, int Number)>(
            items, [drawn => drawn.Count(item => item.Stratum == 1)], item => item.Stratum)
            .Single()!;

        Assert.Equal((3, 3), (interval.Low, interval.High));
        Assert.Contains("within each class", interval.Method);
    }

    [Fact]
    public void A_stratum_of_one_is_no_certainty()
    {
        (int Stratum, int Number)[] items = [(0, 1), (1, 2), (2, 3), (3, 4)];

        var interval = Bootstrap.Intervals<(int Stratum, int Number)>(
            items, [drawn => drawn.Average(item => item.Number)], item => item.Stratum)
            .Single()!;

        Assert.True(interval.Low < interval.High);
        Assert.DoesNotContain("within each class", interval.Method);
    }

    /// <summary>Five images of a patient who look alike say no more than one.</summary>
    [Fact]
    public void Copies_within_a_group_change_nothing()
    {
        var random = new Random(3);
        (int Stratum, double Number)[] one = [.. Enumerable.Range(0, 40).Select(i => (i % 2, random.NextDouble()))];
        (int Stratum, double Number, int Group)[] five =
            [.. one.SelectMany((item, group) => Enumerable.Repeat((item.Stratum, item.Number, group), 5))];

        var alone = Bootstrap.Intervals<(int Stratum, double Number)>(
            one, [drawn => drawn.Average(item => item.Number)], item => item.Stratum).Single()!;
        var grouped = Bootstrap.Intervals<(int Stratum, double Number, int Group)>(
            five, [drawn => drawn.Average(item => item.Number)], item => item.Stratum, group: item => $"{item.Group}").Single()!;
        var asIfIndependent = Bootstrap.Intervals<(int Stratum, double Number, int Group)>(
            five, [drawn => drawn.Average(item => item.Number)], item => item.Stratum).Single()!;

        Assert.Equal((alone.Low, alone.High), (grouped.Low, grouped.High), (a, b) =>
            Math.Abs(a.Item1 - b.Item1) + Math.Abs(a.Item2 - b.Item2) < 1e-12);
        Assert.Equal("percentile bootstrap, 1000 resamples of 40 groups within each class, seed 1", grouped.Method);
        Assert.InRange((alone.High - alone.Low) / (asIfIndependent.High - asIfIndependent.Low), 1.9, 2.6);
    }

    [Fact]
    public void Groups_of_several_classes_are_drawn_without_strata()
    {
        (int Stratum, int Group)[] items = [.. Enumerable.Range(0, 40).Select(i => (i % 2, i / 4))];

        var interval = Bootstrap.Intervals<(int Stratum, int Group)>(
            items, [drawn => drawn.Count], item => item.Stratum, group: item => $"{item.Group}").Single()!;

        Assert.Equal((40, 40), (interval.Low, interval.High));
        Assert.Equal("percentile bootstrap, 1000 resamples of 10 groups, seed 1", interval.Method);
    }

    [Fact]
    public void What_is_rarely_defined_has_no_interval_and_what_is_mostly_so_says_it()
    {
        double[] numbers = [.. Enumerable.Range(0, 10).Select(i => (double)i)];
        // A given item is in a resample of ten with a probability of 1 - 0.9^10 = 0.65.
        static double IfThere(IReadOnlyList<double> drawn, double wanted) => drawn.Contains(wanted) ? 1 : double.NaN;

        var intervals = Bootstrap.Intervals<double>(
            numbers, [
                drawn => IfThere(drawn, 3),
                drawn => drawn.Contains(3) && drawn.Contains(4) && drawn.Contains(5) ? 1 : double.NaN,
                drawn => double.NaN
            ]);

        Assert.Contains("left out for which it is not defined", intervals[0]!.Method);
        Assert.Null(intervals[1]);
        Assert.Null(intervals[2]);
    }

    [Fact]
    public void A_single_item_has_no_interval() => Assert.Null(Bootstrap.Intervals<double>([1], [drawn => drawn[0]]).Single());
}
