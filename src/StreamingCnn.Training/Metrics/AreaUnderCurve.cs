namespace StreamingCnn.Training.Metrics;

/// <summary>
/// The area under the ROC curve: how likely a positive scores higher than a negative, equal scores counting half. It is the statistic of
/// Mann and Whitney, computed from ranks (Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic
/// (ROC) curve", Radiology, 1982).
/// </summary>
public static class AreaUnderCurve
{
    /// <summary>The area for two classes.</summary>
    /// <param name="scores">The higher, the more probably positive.</param>
    /// <param name="positive">What is true of each.</param>
    /// <returns>From 0 to 1; NaN where there are only positives or only negatives, since it is not defined then.</returns>
    /// <exception cref="ArgumentException">The lists differ in length, or a score is NaN.</exception>
    public static double Of(IReadOnlyList<double> scores, IReadOnlyList<bool> positive)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(positive);
        MetricInput.RequireSameLength(scores.Count, positive.Count, "scores as truths");
        MetricInput.RequireNumbers(scores, "the scores");
        long positives = positive.Count(is1 => is1), negatives = positive.Count - positives;
        if (positives == 0 || negatives == 0)
            return double.NaN;
        var ranks = Ranks.Of(scores);
        var sum = ranks.Where((_, i) => positive[i]).Sum();
        return (sum - (positives * (positives + 1) / 2.0)) / ((double)positives * negatives);
    }

    /// <summary>The unweighted mean over classes of the area of each class against all others.</summary>
    /// <param name="probabilities">For each image a probability for each class.</param>
    /// <param name="labels">For each image its class, from 0.</param>
    /// <returns>The mean over those classes for which the area is defined; NaN where it is so for none.</returns>
    /// <exception cref="ArgumentException">
    /// The lists differ in length, a score is NaN, or an image has another number of classes than the first.
    /// </exception>
    public static double OneAgainstRest(IReadOnlyList<IReadOnlyList<double>> probabilities, IReadOnlyList<int> labels)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(labels);
        MetricInput.RequireSameLength(probabilities.Count, labels.Count, "predictions as labels");
        if (probabilities.Count == 0)
            return double.NaN;
        var classes = probabilities[0].Count;
        foreach (var row in probabilities)
            MetricInput.RequireSameLength(row.Count, classes, "classes in every prediction");
        var areas = Enumerable.Range(0, classes)
            .Select(label => Of([.. probabilities.Select(row => row[label])], [.. labels.Select(truth => truth == label)]))
            .Where(area => !double.IsNaN(area))
            .ToArray();
        return areas.Length > 0 ? areas.Average() : double.NaN;
    }
}
