namespace StreamingCnn.Training;

/// <summary>What a model says of one image, beside what is true.</summary>
/// <param name="Sample">The image.</param>
/// <param name="Values">A probability for each class or label, or the predicted numbers.</param>
/// <param name="Loss">The task's loss.</param>
public sealed record Prediction(TrainingSample Sample, IReadOnlyList<double> Values, double Loss)
{
    /// <summary>The operating point: for each output the least probability at which it is called.</summary>
    /// <value>The default value is null: the most probable class is called, and labels from 0.5 on.</value>
    public IReadOnlyList<double>? Thresholds { get; init; }

    /// <summary>Of a map of classes what was found of objects and boundaries.</summary>
    /// <value>The default value is null: it was not looked for.</value>
    public MapFindings? Findings { get; init; }
}
