namespace StreamingCnn.Training.Metrics;

/// <summary>Settings of an <see cref="Evaluation"/>.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Resamples of the bootstrap that gives the confidence intervals; 0 for no intervals.</summary>
    /// <value>The default value is 1000.</value>
    public int Resamples { get; init; } = 1000;

    /// <summary>Confidence of the intervals, between 0 and 1.</summary>
    /// <value>The default value is 0.95.</value>
    public double Level { get; init; } = 0.95;

    /// <summary>Seed of the bootstrap.</summary>
    /// <value>The default value is 1.</value>
    public int Seed { get; init; } = 1;

    /// <exception cref="ArgumentException">A setting is out of its range; all such settings are named.</exception>
    internal void Validate()
    {
        var problems = new List<string>();
        if (Resamples < 0)
            problems.Add($"Resamples is {Resamples}, but must be 0 or a positive number");
        if (!(Level is > 0 and < 1))
            problems.Add(
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Level is {Level}, but must lie between 0 and 1"));
        if (problems.Count > 0)
            throw new ArgumentException($"The options of the evaluation cannot be used: {string.Join("; ", problems)}.");
    }
}
