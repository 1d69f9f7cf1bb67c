using System.Globalization;

namespace StreamingCnn.Training.Metrics;

/// <summary>
/// Confidence intervals by resampling (Efron, "Bootstrap methods", 1979): items are drawn with replacement again and again, within each
/// stratum as many as it has; the interval is cut off at the percentiles of what the statistic gives.
/// </summary>
/// <remarks>
/// The percentile method is a little narrow for a few dozen items. Items that belong together, such as those of one patient, are drawn
/// together where their groups are known. A statistic at its limit, such as an area of 1, gets an interval without width, since resamples
/// of perfect order are in perfect order too.
/// </remarks>
public static class Bootstrap
{
    // With more undefined than defined resamples, the percentiles say nothing of the statistic.
    private const double LeastDefined = 0.5;

    /// <summary>Intervals of several statistics of the same items, from the same resamples.</summary>
    /// <typeparam name="T">What an item is.</typeparam>
    /// <param name="items">The items.</param>
    /// <param name="statistics">What to compute of a resample; NaN where it is not defined.</param>
    /// <param name="stratum">
    /// Items of equal strata are drawn among themselves, so that every resample has as many of each class; null for one stratum. Where a
    /// stratum has a single item, all items are drawn together.
    /// </param>
    /// <param name="resamples">How often to draw; 1000 give the ends to about two digits.</param>
    /// <param name="level">Confidence, between 0 and 1.</param>
    /// <param name="seed">The same seed gives the same intervals.</param>
    /// <param name="group">
    /// Items of one group are drawn together, groups instead of items, within strata where each group lies in one of them; null where
    /// items are independent.
    /// </param>
    /// <returns>
    /// An interval for each statistic; null where it is defined for fewer than half of the resamples, or where there are fewer than two
    /// items.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no resample, or the level is not between 0 and 1.</exception>
    public static IReadOnlyList<ConfidenceInterval?> Intervals<T>(
        IReadOnlyList<T> items,
        IReadOnlyList<Func<IReadOnlyList<T>, double>> statistics,
        Func<T, int>? stratum = null,
        int resamples = 1000,
        double level = 0.95,
        int seed = 1,
        Func<T, string>? group = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(statistics);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 1);
        if (!(level is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(level), level, "The confidence must lie between 0 and 1.");
        T[][] units = group is null
            ? [.. items.Select(item => (T[])[item])] : [.. items.GroupBy(group, StringComparer.Ordinal).Select(unit => unit.ToArray())];
        if (units.Length < 2)
            return [.. statistics.Select(_ => (ConfidenceInterval?)null)];

        var strata = units.GroupBy(unit => stratum?.Invoke(unit[0]) ?? 0).OrderBy(units => units.Key)
            .Select(units => units.ToArray()).ToArray();
        // One unit drawn from one is always the same, and would pass for certainty.
        if (strata.Any(members => members.Length == 1)
            || units.Any(unit => unit.Select(item => stratum?.Invoke(item) ?? 0).Distinct().Count() > 1))
            strata = [units];
        var values = new double[statistics.Count, resamples];
        Parallel.For(0, resamples, resample =>
        {
            // A generator for each, so that the order in which threads come does not matter.
            var random = new Random(unchecked((seed * 1_000_003) + resample));
            var drawn = strata.SelectMany(members => members.SelectMany(_ => members[random.Next(members.Length)])).ToArray();
            for (var i = 0; i < statistics.Count; i++)
                values[i, resample] = statistics[i](drawn);
        });

        return [.. Enumerable.Range(0, statistics.Count).Select(i =>
            Interval(
                [.. Enumerable.Range(0, resamples).Select(resample => values[i, resample])],
                (group is null ? "" : FormattableString.Invariant($" of {units.Length} groups"))
                    + (strata.Length > 1 ? " within each class" : ""),
                level,
                seed))];
    }

    private static ConfidenceInterval? Interval(double[] values, string units, double level, int seed)
    {
        var defined = values.Where(value => !double.IsNaN(value)).Order().ToArray();
        if (defined.Length < LeastDefined * values.Length)
            return null;
        var method = string.Create(
            CultureInfo.InvariantCulture,
            $"percentile bootstrap, {values.Length} resamples{units}, seed {seed}");
        if (defined.Length < values.Length)
            method += string.Create(
                CultureInfo.InvariantCulture, $", {values.Length - defined.Length} of them left out for which it is not defined");
        return new(Percentile(defined, (1 - level) / 2), Percentile(defined, (1 + level) / 2), level, method);
    }

    /// <summary>Linear interpolation between order statistics.</summary>
    private static double Percentile(double[] sorted, double share)
    {
        var at = share * (sorted.Length - 1);
        var below = (int)at;
        return below + 1 < sorted.Length ? sorted[below] + ((at - below) * (sorted[below + 1] - sorted[below])) : sorted[^1];
    }
}
