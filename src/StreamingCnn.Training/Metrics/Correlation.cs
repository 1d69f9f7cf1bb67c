namespace StreamingCnn.Training.Metrics;

/// <summary>How two lists of numbers go together.</summary>
public static class Correlation
{
    /// <summary>Pearson's coefficient: how well a line describes the one by the other.</summary>
    /// <returns>From -1 to 1; NaN where one of the lists is constant or there are fewer than two numbers.</returns>
    /// <exception cref="ArgumentException">The lists differ in length, or hold NaN.</exception>
    public static double Pearson(IReadOnlyList<double> one, IReadOnlyList<double> other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        MetricInput.RequireSameLength(one.Count, other.Count, "numbers in both lists");
        MetricInput.RequireNumbers(one, "the first list");
        MetricInput.RequireNumbers(other, "the second list");
        // The mean of equal numbers may differ from them by rounding, which would pass for variance.
        if (one.Count < 2 || IsConstant(one) || IsConstant(other))
            return double.NaN;
        double meanOne = one.Average(), meanOther = other.Average(), product = 0, squareOne = 0, squareOther = 0;
        for (var i = 0; i < one.Count; i++)
        {
            double a = one[i] - meanOne, b = other[i] - meanOther;
            product += a * b;
            squareOne += a * a;
            squareOther += b * b;
        }

        return Math.Clamp(product / (Math.Sqrt(squareOne) * Math.Sqrt(squareOther)), -1, 1);
    }

    /// <summary>Spearman's coefficient: Pearson's of the ranks, equal values sharing the mean of their ranks.</summary>
    /// <returns>From -1 to 1; NaN where one of the lists is constant or there are fewer than two numbers.</returns>
    /// <exception cref="ArgumentException">The lists differ in length, or hold NaN.</exception>
    public static double Spearman(IReadOnlyList<double> one, IReadOnlyList<double> other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        MetricInput.RequireNumbers(one, "the first list");
        MetricInput.RequireNumbers(other, "the second list");
        return Pearson(Ranks.Of(one), Ranks.Of(other));
    }

    private static bool IsConstant(IReadOnlyList<double> values) => values.All(value => value == values[0]);
}
