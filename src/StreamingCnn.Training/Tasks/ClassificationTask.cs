using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>Each image is of one class: cross-entropy, softmax, and accuracy for a score.</summary>
public sealed class ClassificationTask : LearningTask
{
    /// <summary>Creates the task.</summary>
    /// <param name="classes">Names of the classes, at least 2.</param>
    /// <exception cref="ArgumentException">There are fewer than 2 classes.</exception>
    public ClassificationTask(IReadOnlyList<string> classes)
    {
        ArgumentNullException.ThrowIfNull(classes);
        if (classes.Count < 2)
            throw new ArgumentException($"There must be at least 2 classes to tell apart, not {classes.Count}.", nameof(classes));
        Outputs = classes;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Outputs { get; }

    /// <inheritdoc/>
    public override string Kind => "classes";

    /// <inheritdoc/>
    public override string ScoreName => "accuracy";

    /// <inheritdoc/>
    public override Tensor Loss(Tensor scores, TrainingSample sample) =>
        nn.functional.cross_entropy(scores, tensor(new long[] { sample.Label }, device: scores.device));

    /// <inheritdoc/>
    public override IReadOnlyList<double> Values(Tensor scores) => Numbers(scores.softmax(1));

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions) =>
        predictions.Average(prediction => Predicted(prediction) == prediction.Sample.Label ? 1.0 : 0.0);

    /// <summary>The most probable class; the first of equals.</summary>
    public static int Predicted(Prediction prediction) => prediction.Values.Index().MaxBy(value => value.Item).Index;
}
