namespace StreamingCnn.Training;

/// <summary>How an epoch went.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="Loss">Mean cross-entropy over the training images, each as the step saw it.</param>
/// <param name="Accuracy">Share of the training images that the step classified rightly.</param>
/// <param name="Validation">Loss and accuracy on the validation images after the epoch; null when there are none.</param>
public sealed record EpochResult(int Epoch, double Loss, double Accuracy, (double Loss, double Accuracy)? Validation);

/// <summary>How far training has come.</summary>
/// <param name="Epoch">Epoch, from 1.</param>
/// <param name="Done">Images done in this epoch.</param>
/// <param name="Images">Images in an epoch.</param>
/// <param name="Loss">Mean loss in this epoch so far.</param>
/// <param name="Pixels">Pixels trained on since the start.</param>
public readonly record struct TrainingProgress(int Epoch, int Done, int Images, double Loss, long Pixels);
