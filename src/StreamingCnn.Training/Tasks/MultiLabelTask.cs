using StreamingCnn.Training.Metrics;
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
    public override double Score(IReadOnlyList<Prediction> predictions) =>
        predictions.Average(prediction => prediction.Values.Zip(prediction.Sample.Targets, (value, target) => value >= 0.5 == target >= 0.5 ? 1.0 : 0.0).Average());

    /// <inheritdoc/>
    public override IReadOnlyList<Statistic> Statistics =>
    [
        new("AUC", "area under the ROC curve, mean over the labels for which it is defined", predictions => Mean(label => Area(predictions, label))),
        .. Outputs.Count == 1 ? [] : Outputs.Select((name, label) => new Statistic($"AUC of {name}", $"area under the ROC curve of '{name}'", predictions => Area(predictions, label))),
        new("accuracy", "share of labels that are right, at a threshold of 0.5", Score),
        new("exact match", "share of images whose labels are all right", predictions =>
            predictions.Average(prediction => prediction.Values.Zip(prediction.Sample.Targets).All(pair => pair.First >= 0.5 == pair.Second >= 0.5) ? 1.0 : 0.0)),
        new("F1", "harmonic mean of precision and recall, mean over the labels", predictions => Mean(label => Confusion(predictions, label).F1(1))),
        new("log loss", "mean binary cross-entropy", predictions => predictions.Average(prediction => prediction.Loss)),
        new("Brier score", "mean squared error of the probabilities", predictions => BrierScore.Of(All(predictions, prediction => prediction.Values), Truths(predictions))),
        new("calibration error", "expected calibration error: distance between probability and frequency, over ten bins", predictions => Calibration(predictions).ExpectedError),
    ];

    /// <summary>Calibration of the probabilities of all labels together.</summary>
    public static Calibration Calibration(IReadOnlyList<Prediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return Metrics.Calibration.Of(All(predictions, prediction => prediction.Values), Truths(predictions));
    }

    private static double Area(IReadOnlyList<Prediction> predictions, int label) =>
        AreaUnderCurve.Of([.. predictions.Select(prediction => prediction.Values[label])], [.. predictions.Select(prediction => prediction.Sample.Targets[label] >= 0.5)]);

    private static ConfusionMatrix Confusion(IReadOnlyList<Prediction> predictions, int label) =>
        new([.. predictions.Select(prediction => prediction.Sample.Targets[label] >= 0.5 ? 1 : 0)], [.. predictions.Select(prediction => prediction.Values[label] >= 0.5 ? 1 : 0)], 2);

    private static double[] All(IReadOnlyList<Prediction> predictions, Func<Prediction, IEnumerable<double>> values) => [.. predictions.SelectMany(values)];

    private static bool[] Truths(IReadOnlyList<Prediction> predictions) => [.. predictions.SelectMany(prediction => prediction.Sample.Targets).Select(target => target >= 0.5)];

    private double Mean(Func<int, double> ofLabel)
    {
        var defined = Enumerable.Range(0, Outputs.Count).Select(ofLabel).Where(value => !double.IsNaN(value)).ToArray();
        return defined.Length > 0 ? defined.Average() : double.NaN;
    }
}
