using StreamingCnn.Training.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>Each label is there or not, independently: binary cross-entropy, sigmoid, and the share of right answers for a score.</summary>
public sealed class MultiLabelTask : ScoredTask
{
    // Half of the distance from 1 to the next smaller number of single precision.
    private const double HalfStep = 1.0 / (1 << 25);

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

    internal override Tensor Objective(Tensor scores, TrainingSample sample, LossOptions options)
    {
        double[] has = [.. sample.Targets.Select(target => (target * (1 - options.LabelSmoothing)) + (options.LabelSmoothing / 2))];
        double[] weighted = [.. has.Select((share, label) => share * (options.ClassWeights?[label] ?? 1))];
        var (yes, no) = (nn.functional.logsigmoid(scores), nn.functional.logsigmoid(-scores));
        var there = FocalFactor(yes, options) * yes * Row(weighted);
        var absent = FocalFactor(no, options) * no * Row([.. has.Select(share => 1 - share)]);
        using Scalar one = 1;
        return -there.add(absent, one).mean();

        Tensor Row(double[] numbers) => tensor(numbers, [1, numbers.Length], dtype: scores.dtype, device: scores.device);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<double> Values(Tensor scores) => Numbers(scores.sigmoid());

    private protected override double LossOf(IReadOnlyList<double> values, TrainingSample sample) =>
        values.Zip(sample.Targets, (value, target) => -(target * Log(value)) - ((1 - target) * Log(1 - value))).Average();

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions) =>
        predictions.Average(prediction =>
            prediction.Sample.Targets.Select((target, label) => Has(prediction, label) == target >= 0.5 ? 1.0 : 0.0).Average());

    /// <inheritdoc/>
    public override IReadOnlyList<Statistic> Statistics =>
    [
        new(
            "AUC", "area under the ROC curve, mean over the labels for which it is defined", predictions => Mean(
                label => Area(predictions, label))),
        .. Outputs.Count == 1
            ? []
            : Outputs.Select(
                (name, label) =>
                    new Statistic($"AUC of {name}", $"area under the ROC curve of '{name}'", predictions => Area(predictions, label))),
        new("accuracy", "share of labels that are right, at a threshold of 0.5 or at the operating point", Score),
        new("exact match", "share of images whose labels are all right", predictions =>
            predictions.Average(prediction =>
                prediction.Sample.Targets.Index().All(target => Has(prediction, target.Index) == target.Item >= 0.5) ? 1.0 : 0.0)),
        new(
            "F1", "harmonic mean of precision and recall, mean over the labels", predictions => Mean(
                label => Confusion(predictions, label).F1(1))),
        new("log loss", "mean binary cross-entropy", predictions =>
            predictions.Average(prediction => prediction.Loss)) { HigherIsBetter = false },
        new("Brier score", "mean squared error of the probabilities", predictions =>
            BrierScore.Of(All(predictions, prediction => prediction.Values), Truths(predictions))) { HigherIsBetter = false },
        new("calibration error", "expected calibration error: distance between probability and frequency, over ten bins", predictions =>
            Calibration(predictions).ExpectedError) { HigherIsBetter = false },
    ];

    /// <summary>Calibration of the probabilities of all labels together.</summary>
    public static Calibration Calibration(IReadOnlyList<Prediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return Metrics.Calibration.Of(All(predictions, prediction => prediction.Values), Truths(predictions));
    }

    /// <summary>Whether a label is called: from 0.5 on, or from the threshold of the operating point on.</summary>
    public static bool Has(Prediction prediction, int label)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        return prediction.Values[label] >= (prediction.Thresholds?[label] ?? 0.5);
    }

    // A probability of 1 by rounding stands for one that is nearer to it than single precision tells.
    internal override IReadOnlyList<double> Tempered(IReadOnlyList<double> values, double temperature) =>
        [.. values.Select(value => 1 / (1 + Math.Exp(-(Log(value) - Math.Log(Math.Max(1 - value, HalfStep))) / temperature)))];

    private static double Area(IReadOnlyList<Prediction> predictions, int label) =>
        AreaUnderCurve.Of(
            [.. predictions.Select(prediction => prediction.Values[label])],
            [.. predictions.Select(prediction => prediction.Sample.Targets[label] >= 0.5)]);

    private static ConfusionMatrix Confusion(IReadOnlyList<Prediction> predictions, int label) =>
        new([.. predictions.Select(prediction => prediction.Sample.Targets[label] >= 0.5 ? 1 : 0)],
            [.. predictions.Select(prediction => Has(prediction, label) ? 1 : 0)], 2);

    private static double[] All(IReadOnlyList<Prediction> predictions, Func<Prediction, IEnumerable<double>> values) =>
        [.. predictions.SelectMany(values)];

    private static bool[] Truths(IReadOnlyList<Prediction> predictions) =>
        [.. predictions.SelectMany(prediction => prediction.Sample.Targets).Select(target => target >= 0.5)];

    private double Mean(Func<int, double> ofLabel)
    {
        var defined = Enumerable.Range(0, Outputs.Count).Select(ofLabel).Where(value => !double.IsNaN(value)).ToArray();
        return defined.Length > 0 ? defined.Average() : double.NaN;
    }
}
