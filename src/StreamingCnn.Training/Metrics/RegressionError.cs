namespace StreamingCnn.Training.Metrics;

/// <summary>How far predicted numbers lie from the true ones.</summary>
public static class RegressionError
{
    /// <summary>Mean absolute error; NaN where there are no numbers.</summary>
    /// <exception cref="ArgumentException">The lists differ in length, or hold NaN.</exception>
    public static double MeanAbsolute(IReadOnlyList<double> predicted, IReadOnlyList<double> actual) => Mean(predicted, actual, Math.Abs);

    /// <summary>Square root of the mean squared error; NaN where there are no numbers.</summary>
    /// <exception cref="ArgumentException">The lists differ in length, or hold NaN.</exception>
    public static double RootMeanSquare(IReadOnlyList<double> predicted, IReadOnlyList<double> actual) =>
        Math.Sqrt(Mean(predicted, actual, error => error * error));

    /// <summary>
    /// Coefficient of determination: share of the variance of the true numbers that is explained. 0 is what their mean would give; it may
    /// be negative.
    /// </summary>
    /// <returns>At most 1; NaN where the true numbers are all equal, or there are none.</returns>
    /// <exception cref="ArgumentException">The lists differ in length, or hold NaN.</exception>
    public static double Determination(IReadOnlyList<double> predicted, IReadOnlyList<double> actual)
    {
        var error = Mean(predicted, actual, difference => difference * difference);
        if (actual.All(value => value == actual[0]))
            return double.NaN;
        var mean = actual.Average();
        return 1 - (error / actual.Average(value => (value - mean) * (value - mean)));
    }

    private static double Mean(IReadOnlyList<double> predicted, IReadOnlyList<double> actual, Func<double, double> penalty)
    {
        ArgumentNullException.ThrowIfNull(predicted);
        ArgumentNullException.ThrowIfNull(actual);
        MetricInput.RequireSameLength(predicted.Count, actual.Count, "predictions as truths");
        MetricInput.RequireNumbers(predicted, "the predictions");
        MetricInput.RequireNumbers(actual, "the truths");
        return predicted.Count == 0 ? double.NaN : predicted.Zip(actual, (value, truth) => penalty(value - truth)).Average();
    }
}
