namespace StreamingCnn.Training.Metrics;

/// <summary>
/// Mean squared distance of probabilities from what came true, 0 for certainty that was right (Brier, "Verification of forecasts", 1950).
/// </summary>
public static class BrierScore
{
    /// <summary>The score of yes-or-no predictions, from 0 to 1; NaN where there are none.</summary>
    /// <exception cref="ArgumentException">The lists differ in length, or a number is no probability.</exception>
    public static double Of(IReadOnlyList<double> probabilities, IReadOnlyList<bool> cameTrue)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(cameTrue);
        MetricInput.RequireProbabilities(probabilities, "the probabilities");
        return Math.Pow(RegressionError.RootMeanSquare(probabilities, [.. cameTrue.Select(is1 => is1 ? 1.0 : 0.0)]), 2);
    }

    /// <summary>
    /// The score of several classes: squared distances added up over the classes, hence from 0 to 2; NaN where there are no predictions.
    /// </summary>
    /// <param name="probabilities">For each image a probability for each class.</param>
    /// <param name="labels">For each image its class, from 0.</param>
    /// <exception cref="ArgumentException">The lists differ in length, or a number is no probability.</exception>
    public static double Of(IReadOnlyList<IReadOnlyList<double>> probabilities, IReadOnlyList<int> labels)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(labels);
        MetricInput.RequireSameLength(probabilities.Count, labels.Count, "predictions as labels");
        return probabilities.Count == 0
            ? double.NaN
            : probabilities.Zip(labels).Average(pair =>
            {
                MetricInput.RequireProbabilities(pair.First, "the probabilities");
                return pair.First.Select((probability, label) => Math.Pow(probability - (label == pair.Second ? 1 : 0), 2)).Sum();
            });
    }
}
