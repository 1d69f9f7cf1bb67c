using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Experiments.Resolution;

/// <summary>A number with its interval.</summary>
internal sealed record Estimate(double Value, ConfidenceInterval? Interval);

/// <summary>
/// Areas under the ROC curve of several arms on the same images, and their differences, with intervals from the same resamples.
/// </summary>
/// <param name="Runs">For each arm the area of each of its runs.</param>
/// <param name="Means">For each arm the mean over its runs.</param>
/// <param name="Differences">For each arm its mean less that of the first arm.</param>
internal sealed record Comparison(
    IReadOnlyList<IReadOnlyList<Estimate>> Runs, IReadOnlyList<Estimate> Means, IReadOnlyList<Estimate> Differences)
{
    private const int Resamples = 10_000;

    /// <summary>Compares.</summary>
    /// <param name="truths">For each image whether it is positive.</param>
    /// <param name="scores">For each arm and run the score of each image.</param>
    public static Comparison Of(IReadOnlyList<bool> truths, IReadOnlyList<IReadOnlyList<IReadOnlyList<double>>> scores)
    {
        var statistics = new List<Func<IReadOnlyList<int>, double>>();
        foreach (var arm in scores)
            statistics.AddRange(arm.Select(run => (Func<IReadOnlyList<int>, double>)(items => Area(run, items))));
        statistics.AddRange(scores.Select(arm => (Func<IReadOnlyList<int>, double>)(items => Mean(arm, items))));
        statistics.AddRange(scores.Select(arm => (Func<IReadOnlyList<int>, double>)(items => Mean(arm, items) - Mean(scores[0], items))));

        int[] all = [.. Enumerable.Range(0, truths.Count)];
        var intervals = Bootstrap.Intervals(all, statistics, item => truths[item] ? 1 : 0, Resamples);
        var estimates = new Queue<Estimate>(statistics.Zip(intervals, (statistic, interval) => new Estimate(statistic(all), interval)));
        return new(
            [.. scores.Select(arm => (IReadOnlyList<Estimate>)[.. arm.Select(_ => estimates.Dequeue())])],
            [.. scores.Select(_ => estimates.Dequeue())],
            [.. scores.Select(_ => estimates.Dequeue())]);

        double Area(IReadOnlyList<double> run, IReadOnlyList<int> items) =>
            AreaUnderCurve.Of([.. items.Select(item => run[item])], [.. items.Select(item => truths[item])]);
        double Mean(IReadOnlyList<IReadOnlyList<double>> arm, IReadOnlyList<int> items) => arm.Average(run => Area(run, items));
    }
}
