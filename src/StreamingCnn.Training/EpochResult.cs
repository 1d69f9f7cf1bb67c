namespace StreamingCnn.Training;

/// <summary>How an epoch went.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="Training">Of the training images, each as its step saw it; no intervals.</param>
/// <param name="Validation">Of the validation images after the epoch; null when there are none.</param>
/// <param name="LearningRate">Of the epoch's last update.</param>
public sealed record EpochResult(int Epoch, PartResult Training, PartResult? Validation, double LearningRate);

/// <summary>How a part of the data fared.</summary>
/// <param name="Loss">Mean of the task's loss.</param>
/// <param name="Score">The task's score, the higher the better; NaN where it is not defined, such as an AUC of one class.</param>
public sealed record PartResult(double Loss, double Score)
{
    /// <summary>What the best epoch is chosen by, the higher the better, where it is not the score: negated where less is better.</summary>
    /// <value>The default value is null: the score.</value>
    public double? Quality { get; init; }
}

/// <summary>How far training has come.</summary>
/// <param name="Epoch">Epoch, from 1.</param>
/// <param name="Done">Images done in this epoch.</param>
/// <param name="Images">Images in an epoch.</param>
/// <param name="Loss">Mean loss in this epoch so far.</param>
/// <param name="Pixels">Pixels trained on since the start.</param>
public readonly record struct TrainingProgress(int Epoch, int Done, int Images, double Loss, long Pixels);
