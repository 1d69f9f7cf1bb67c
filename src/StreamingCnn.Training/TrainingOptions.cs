namespace StreamingCnn.Training;

/// <summary>Settings of a <see cref="Trainer"/>.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the training images.</summary>
    /// <value>The default value is 20.</value>
    public int Epochs { get; init; } = 20;

    /// <summary>Images whose gradients are added up before each update. They are run one after the other, so that they may differ in size.</summary>
    /// <value>The default value is 8.</value>
    public int BatchSize { get; init; } = 8;

    /// <summary>Learning rate of Adam.</summary>
    /// <value>The default value is 0.001.</value>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Decoupled weight decay (AdamW).</summary>
    /// <value>The default value is 0.0001.</value>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Seed of the order in which images come.</summary>
    /// <value>The default value is 1.</value>
    public int Seed { get; init; } = 1;

    /// <exception cref="ArgumentException">A setting is out of its range; all such settings are named.</exception>
    internal void Validate()
    {
        var problems = new List<string>();
        if (Epochs < 1)
            problems.Add($"Epochs is {Epochs}, but must be at least 1");
        if (BatchSize < 1)
            problems.Add($"BatchSize is {BatchSize}, but must be at least 1");
        if (!(LearningRate > 0) || double.IsInfinity(LearningRate))
            problems.Add($"LearningRate is {LearningRate}, but must be a positive number");
        if (!(WeightDecay >= 0) || double.IsInfinity(WeightDecay))
            problems.Add($"WeightDecay is {WeightDecay}, but must be 0 or a positive number");
        if (problems.Count > 0)
            throw new ArgumentException($"The training options cannot be used: {string.Join("; ", problems)}.");
    }
}
