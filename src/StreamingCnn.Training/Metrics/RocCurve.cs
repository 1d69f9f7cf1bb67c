namespace StreamingCnn.Training.Metrics;

/// <summary>One point of a ROC curve: what calling positive everything that scores at least the threshold would give.</summary>
/// <param name="Threshold">The threshold; infinite at the start of the curve, where nothing is called positive.</param>
/// <param name="FalsePositiveRate">Share of the negatives that are called positive, 1 - specificity.</param>
/// <param name="TruePositiveRate">Share of the positives that are called positive, the sensitivity.</param>
public readonly record struct RocPoint(double Threshold, double FalsePositiveRate, double TruePositiveRate);

/// <summary>A receiver operating characteristic: one point for each score that occurs, from (0, 0) to (1, 1).</summary>
public sealed class RocCurve
{
    private RocCurve(IReadOnlyList<RocPoint> points, double area)
    {
        Points = points;
        Area = area;
    }

    /// <summary>The points, thresholds falling; empty where there are only positives or only negatives.</summary>
    public IReadOnlyList<RocPoint> Points { get; }

    /// <summary>The area under it, as <see cref="AreaUnderCurve"/> has it; NaN where it is not defined.</summary>
    public double Area { get; }

    /// <summary>Computes the curve.</summary>
    /// <param name="scores">The higher, the more probably positive.</param>
    /// <param name="positive">What is true of each.</param>
    /// <exception cref="ArgumentException">The lists differ in length, or a score is NaN.</exception>
    public static RocCurve Of(IReadOnlyList<double> scores, IReadOnlyList<bool> positive)
    {
        var area = AreaUnderCurve.Of(scores, positive);
        if (double.IsNaN(area))
            return new([], area);
        double positives = positive.Count(is1 => is1), negatives = positive.Count - positives;
        var points = new List<RocPoint> { new(double.PositiveInfinity, 0, 0) };
        int truePositives = 0, falsePositives = 0;
        // Equal scores cannot be told apart by any threshold: they make one step together.
        foreach (var equal in Enumerable.Range(0, scores.Count).GroupBy(i => scores[i]).OrderByDescending(group => group.Key))
        {
            foreach (var i in equal)
                _ = positive[i] ? truePositives++ : falsePositives++;
            points.Add(new(equal.Key, falsePositives / negatives, truePositives / positives));
        }

        return new(points, area);
    }
}
