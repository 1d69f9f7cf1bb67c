using StreamingCnn.Experiments.Resolution;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Experiments.Ladder;

/// <summary>
/// How good each rung is, and how much better than the one below it, with intervals from the same resamples of the test images.
/// </summary>
/// <param name="Metric">AUC for two classes, accuracy for more.</param>
/// <param name="Values">For each rung, the lowest resolution first.</param>
/// <param name="Gains">For each rung but the first, its value less that of the rung below.</param>
internal sealed record LadderComparison(string Metric, IReadOnlyList<Estimate> Values, IReadOnlyList<Estimate> Gains)
{
    private const int Resamples = 10_000;

    /// <summary>Compares.</summary>
    /// <param name="rungs">The rungs' predictions for the same images, the lowest resolution first.</param>
    /// <exception cref="InvalidDataException">The rungs were tested on different images.</exception>
    public static LadderComparison Of(IReadOnlyList<RungPredictions> rungs)
    {
        var labels = rungs[0].Labels;
        if (rungs.Any(rung => !rung.Labels.SequenceEqual(labels)))
            throw new InvalidDataException(
                "The rungs of a task were tested on different images; choose another output folder, or delete this one.");
        var values = rungs.Select(rung => (Func<IReadOnlyList<int>, double>)(items => Value(rung, items))).ToArray();
        Func<IReadOnlyList<int>, double>[] statistics =
        [
            .. values,
            .. values.Zip(values.Skip(1), (below, above) => (Func<IReadOnlyList<int>, double>)(items => above(items) - below(items))),
        ];
        var classes = labels.Distinct().Order(StringComparer.Ordinal).ToList();
        int[] all = [.. Enumerable.Range(0, labels.Count)];
        int[] strata = [.. labels.Select(label => classes.IndexOf(label))];
        var intervals = Bootstrap.Intervals(all, statistics, item => strata[item], Resamples);
        Estimate[] estimates = [.. statistics.Zip(intervals, (statistic, interval) => new Estimate(statistic(all), interval))];
        return new(rungs[0].Scores is null ? "accuracy" : "AUC", estimates[..rungs.Count], estimates[rungs.Count..]);
    }

    /// <summary>
    /// Whether a rung is better than the one below by more than chance, to 95 %, and whether even their own intervals are apart.
    /// </summary>
    /// <param name="rung">Its number; not the first.</param>
    public string Verdict(int rung)
    {
        if (Gains[rung - 1].Interval is not { } gain
            || Values[rung].Interval is not { } above
            || Values[rung - 1].Interval is not { } below)
            return "cannot be told";
        return above.Low > below.High ? "better, intervals apart"
            : gain.Low > 0 ? "better"
            : gain.High < 0 ? "worse"
            : "no difference shown";
    }

    private static double Value(RungPredictions rung, IReadOnlyList<int> items) => rung.Scores is { } scores
        ? AreaUnderCurve.Of([.. items.Select(item => scores[item])], [.. items.Select(item => rung.Labels[item] == rung.Positive)])
        : items.Average(item => rung.Predicted[item] == rung.Labels[item] ? 1.0 : 0);
}
