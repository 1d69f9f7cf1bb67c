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

    /// <summary>How the learning rate changes over the updates.</summary>
    /// <value>The default value is <see cref="LearningRateSchedule.Constant"/>.</value>
    public LearningRateSchedule Schedule { get; init; }

    /// <summary>Updates at the start in which the learning rate rises linearly from near 0.</summary>
    /// <value>The default value is 0.</value>
    public int WarmUp { get; init; }

    /// <summary>Largest Euclidean norm of all gradients together; longer ones are shortened to it before an update.</summary>
    /// <value>The default value is null: gradients are taken as they are.</value>
    public double? ClipNorm { get; init; }

    /// <summary>File that holds all that a run needs to go on where it was interrupted, written after every epoch and when training is cancelled.</summary>
    /// <value>The default value is null: no such file.</value>
    public string? Checkpoint { get; init; }

    /// <summary>Images after which the checkpoint is written within an epoch as well; 0 for after epochs alone.</summary>
    /// <value>The default value is 0.</value>
    public int CheckpointInterval { get; init; }

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
        if (!Enum.IsDefined(Schedule))
            problems.Add($"Schedule is {(int)Schedule}, which is no LearningRateSchedule");
        if (WarmUp < 0)
            problems.Add($"WarmUp is {WarmUp}, but must be 0 or a positive number of updates");
        if (ClipNorm is { } norm && (!(norm > 0) || double.IsInfinity(norm)))
            problems.Add($"ClipNorm is {norm}, but must be a positive number");
        if (CheckpointInterval < 0)
            problems.Add($"CheckpointInterval is {CheckpointInterval}, but must be 0 or a positive number of images");
        if (problems.Count > 0)
            throw new ArgumentException($"The training options cannot be used: {string.Join("; ", problems)}.");
    }
}
