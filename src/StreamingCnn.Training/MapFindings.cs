namespace StreamingCnn.Training;

/// <summary>An object on a map of classes, as the box around it.</summary>
/// <param name="Label">Number of its class.</param>
/// <param name="Left">Its left side, in pixels of the map.</param>
/// <param name="Top">Its upper side.</param>
/// <param name="Right">Its right side.</param>
/// <param name="Bottom">Its lower side.</param>
public sealed record MapObject(int Label, double Left, double Top, double Right, double Bottom)
{
    private double Area => (Right - Left) * (Bottom - Top);

    /// <summary>Area of the boxes' intersection by that of their union, from 0 to 1.</summary>
    /// <param name="other">The other object.</param>
    public double Overlap(MapObject other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var width = Math.Min(Right, other.Right) - Math.Max(Left, other.Left);
        var height = Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top);
        if (!(width > 0 && height > 0))
            return 0;
        var both = width * height;
        return both / (Area + other.Area - both);
    }
}

/// <summary>Objects of one class in an image.</summary>
/// <param name="True">How many there are.</param>
/// <param name="Found">Of each that was found its score, and whether it is one of those.</param>
public sealed record ObjectCounts(int True, IReadOnlyList<(double Score, bool IsRight)> Found);

/// <summary>Pixels at the boundaries of one class in an image.</summary>
/// <param name="Predicted">Those of the predicted regions.</param>
/// <param name="PredictedNear">Those of them that lie near one of the true regions.</param>
/// <param name="True">Those of the true regions.</param>
/// <param name="TrueNear">Those of them that lie near one of the predicted regions.</param>
public sealed record BoundaryCounts(double Predicted, double PredictedNear, double True, double TrueNear);

/// <summary>What was found of objects and boundaries on one map of classes.</summary>
/// <param name="Objects">For each class, the first of which has none; empty where they were not looked for.</param>
/// <param name="Boundaries">For each class; empty where they were not looked for.</param>
public sealed record MapFindings(IReadOnlyList<ObjectCounts> Objects, IReadOnlyList<BoundaryCounts> Boundaries);
