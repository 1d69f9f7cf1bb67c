using System.Globalization;

namespace StreamingCnn.Training.Metrics;

/// <summary>What is judged of maps of classes besides their pixels.</summary>
public sealed record MapJudging
{
    /// <summary>
    /// Intersection over union above which the box of a found object is that of a true one of its class, from 0 to below 1.
    /// </summary>
    /// <value>The default value is null: objects are not judged.</value>
    public double? Overlap { get; init; }

    /// <summary>
    /// The least probability of the classes behind the first: a pixel belongs to the likeliest of these if it reaches that, else to the
    /// first. Objects are made of such pixels, and boundaries lie between them.
    /// </summary>
    /// <value>The default value is null: the likeliest class of all.</value>
    public double? Threshold { get; init; }

    /// <summary>Pixels of the smallest region that is a found object.</summary>
    /// <value>The default value is 0: all regions are.</value>
    public double LeastArea { get; init; }

    /// <summary>
    /// The least score, from 0 to 1, of the found objects that count in precision, recall and F1. Average precision is of all, whatever
    /// their scores.
    /// </summary>
    /// <value>The default value is 0: all do.</value>
    public double LeastScore { get; init; }

    /// <summary>Distance in pixels from which on a boundary is missed.</summary>
    /// <value>The default value is null: boundaries are not judged.</value>
    public int? BoundaryTolerance { get; init; }

    /// <summary>Whether anything is.</summary>
    public bool IsAny => Overlap is not null || BoundaryTolerance is not null;

    /// <exception cref="ArgumentException">A setting is out of its range; all such settings are named.</exception>
    public void Validate()
    {
        var problems = new List<string>();
        if (Overlap is { } overlap && !(overlap is >= 0 and < 1))
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{nameof(Overlap)} is {overlap}, but must be from 0 to below 1"));
        if (Threshold is { } threshold && !(threshold is > 0 and <= 1))
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{nameof(Threshold)} is {threshold}, but must be above 0 and at most 1"));
        if (!(LeastArea >= 0))
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{nameof(LeastArea)} is {LeastArea}, but must not be negative"));
        if (!(LeastScore is >= 0 and <= 1))
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{nameof(LeastScore)} is {LeastScore}, but must be from 0 to 1"));
        if (BoundaryTolerance is { } tolerance && tolerance is < 0 or > MostTolerance)
            problems.Add($"{nameof(BoundaryTolerance)} is {BoundaryTolerance}, but must be from 0 to {MostTolerance}");
        if (problems.Count > 0)
            throw new ArgumentException($"Maps cannot be judged so: {string.Join("; ", problems)}.");
    }

    /// <summary>The greatest tolerance: as many rows above and below are held.</summary>
    public const int MostTolerance = 100;
}
