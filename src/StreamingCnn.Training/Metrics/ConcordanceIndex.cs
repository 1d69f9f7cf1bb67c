namespace StreamingCnn.Training.Metrics;

/// <summary>
/// The C-index: of all pairs of which it is known who lasts longer, the share that is predicted in this order, equal predictions counting
/// half (Harrell et al., "Evaluating the yield of medical tests", JAMA, 1982).
/// </summary>
public static class ConcordanceIndex
{
    /// <summary>Computes the index, in a time that grows as n log n.</summary>
    /// <param name="predicted">The higher, the longer the predicted time; negate risks.</param>
    /// <param name="times">Time until the event, or until observation ended; or any number to predict.</param>
    /// <param name="observed">
    /// Whether the event was seen; false where observation ended before it (censoring). Null where all were seen.
    /// </param>
    /// <returns>1 for the right order, 0.5 for chance; NaN where no pair can be compared.</returns>
    /// <remarks>
    /// Two items can be compared when the shorter time ends in an event. Of equal times they can when exactly one ends in an event: the
    /// other one lasted longer.
    /// </remarks>
    /// <exception cref="ArgumentException">The lists differ in length, or hold NaN.</exception>
    public static double Of(IReadOnlyList<double> predicted, IReadOnlyList<double> times, IReadOnlyList<bool>? observed = null)
    {
        ArgumentNullException.ThrowIfNull(predicted);
        ArgumentNullException.ThrowIfNull(times);
        MetricInput.RequireSameLength(predicted.Count, times.Count, "predictions as times");
        MetricInput.RequireSameLength(predicted.Count, observed?.Count ?? predicted.Count, "predictions as observations");
        MetricInput.RequireNumbers(predicted, "the predictions");
        MetricInput.RequireNumbers(times, "the times");
        var levels = predicted.Distinct().Order().ToArray();
        var lasting = new CountTree(levels.Length);
        double concordant = 0, comparable = 0;

        // From the longest time on, so that the tree holds those who are known to last longer.
        foreach (var equal in Enumerable.Range(0, times.Count).GroupBy(i => times[i]).OrderByDescending(group => group.Key))
        {
            var byEvent = equal.ToLookup(i => observed?[i] ?? true, i => Array.BinarySearch(levels, predicted[i]));
            foreach (var level in byEvent[false])
                lasting.Add(level);
            foreach (var level in byEvent[true])
            {
                int below = lasting.Below(level), upTo = lasting.Below(level + 1);
                concordant += lasting.Count - upTo + (0.5 * (upTo - below));
                comparable += lasting.Count;
            }

            foreach (var level in byEvent[true])
                lasting.Add(level);
        }

        return comparable > 0 ? concordant / comparable : double.NaN;
    }

    /// <summary>
    /// Counts of levels with fast sums over the first of them (Fenwick, "A new data structure for cumulative frequency tables", 1994).
    /// </summary>
    private sealed class CountTree(int levels)
    {
        private readonly int[] sums = new int[levels + 1];

        public int Count { get; private set; }

        public void Add(int level)
        {
            Count++;
            for (var i = level + 1; i < sums.Length; i += i & -i)
                sums[i]++;
        }

        public int Below(int level)
        {
            var sum = 0;
            for (var i = level; i > 0; i -= i & -i)
                sum += sums[i];
            return sum;
        }
    }
}
