using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>Each label is there or not, independently: binary cross-entropy, sigmoid, and the share of right answers for a score.</summary>
public sealed class MultiLabelTask : LearningTask
{
    /// <summary>Creates the task.</summary>
    /// <param name="labels">Names of the labels, at least 1.</param>
    /// <exception cref="ArgumentException">There are no labels.</exception>
    public MultiLabelTask(IReadOnlyList<string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count == 0)
            throw new ArgumentException("There must be at least 1 label.", nameof(labels));
        Outputs = labels;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Outputs { get; }

    /// <inheritdoc/>
    public override string Kind => "labels";

    /// <inheritdoc/>
    public override string ScoreName => "accuracy";

    /// <inheritdoc/>
    public override Tensor Loss(Tensor scores, TrainingSample sample) =>
        nn.functional.binary_cross_entropy_with_logits(scores, Targets(scores, sample));

    /// <inheritdoc/>
    public override IReadOnlyList<double> Values(Tensor scores) => Numbers(scores.sigmoid());

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions) => predictions.Average(prediction =>
        prediction.Values.Zip(prediction.Sample.Targets, (value, target) => value >= 0.5 == target >= 0.5 ? 1.0 : 0.0).Average());
}
