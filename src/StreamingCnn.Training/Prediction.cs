namespace StreamingCnn.Training;

/// <summary>What a model says of one image, beside what is true.</summary>
/// <param name="Sample">The image.</param>
/// <param name="Values">A probability for each class or label, or the predicted numbers.</param>
/// <param name="Loss">The task's loss.</param>
public sealed record Prediction(TrainingSample Sample, IReadOnlyList<double> Values, double Loss);
