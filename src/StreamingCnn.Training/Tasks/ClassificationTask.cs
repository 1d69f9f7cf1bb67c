using StreamingCnn.Training.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>Each image is of one class: cross-entropy, softmax, and accuracy for a score.</summary>
public sealed class ClassificationTask : ScoredTask
{
    /// <summary>Creates the task.</summary>
    /// <param name="classes">Names of the classes, at least 2.</param>
    /// <param name="isOrdered">Whether they go from the least to the greatest, such as grades do.</param>
    /// <exception cref="ArgumentException">There are fewer than 2 classes.</exception>
    public ClassificationTask(IReadOnlyList<string> classes, bool isOrdered = false)
    {
        ArgumentNullException.ThrowIfNull(classes);
        if (classes.Count < 2)
            throw new ArgumentException($"There must be at least 2 classes to tell apart, not {classes.Count}.", nameof(classes));
        Outputs = classes;
        IsOrdered = isOrdered;
    }

    /// <summary>Whether the classes go from the least to the greatest, such as grades do.</summary>
    public bool IsOrdered { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Outputs { get; }

    /// <inheritdoc/>
    public override string Kind => "classes";

    /// <inheritdoc/>
    public override string ScoreName => "accuracy";

    /// <inheritdoc/>
    public override Tensor Loss(Tensor scores, TrainingSample sample) =>
        nn.functional.cross_entropy(scores, tensor(new long[] { sample.Label }, device: scores.device));

    internal override Tensor Objective(Tensor scores, TrainingSample sample, LossOptions options)
    {
        if (options.IsOrdinal)
        {
            // Held until libtorch has read it.
            using Scalar weight = options.ClassWeights?[sample.Label] ?? 1;
            return OrdinalLoss(scores, sample.Label).mul(weight);
        }

        var classes = Outputs.Count;
        double[] shares =
        [
            .. Enumerable.Range(0, classes).Select(label =>
                (options.ClassWeights?[label]
                    ?? 1) * ((label == sample.Label ? 1 - options.LabelSmoothing : 0) + (options.LabelSmoothing / classes))),
        ];
        var logarithms = scores.log_softmax(1);
        return -(
            FocalFactor(logarithms, options) * logarithms * tensor(shares, [1, classes], dtype: scores.dtype, device: scores.device)).sum();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<double> Values(Tensor scores) => Numbers(scores.softmax(1));

    private protected override double LossOf(IReadOnlyList<double> values, TrainingSample sample) => -Log(values[sample.Label]);

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions) => Confusion(predictions).Accuracy;

    /// <inheritdoc/>
    public override IReadOnlyList<Statistic> Statistics =>
    [
        Outputs.Count == 2
            ? new("AUC", $"area under the ROC curve of '{Outputs[1]}'", predictions =>
                AreaUnderCurve.Of(
                    [.. predictions.Select(prediction => prediction.Values[1])],
                    [.. predictions.Select(prediction => prediction.Sample.Label == 1)]))
            : new(
                "AUC", "area under the ROC curve, mean over each class against the rest", predictions => AreaUnderCurve.OneAgainstRest(
                    Values(predictions), Labels(predictions))),
        new("accuracy", "share of images whose class was recognised: the most probable one, or the one at the operating point", Score),
        new(
            "balanced accuracy",
            "mean over the classes of the share of their images that were recognised",
            predictions => Confusion(predictions).BalancedAccuracy),
        new("F1", "harmonic mean of precision and recall, mean over the classes", predictions => Confusion(predictions).MacroF1),
        Outputs.Count == 2
            ? new("kappa", "Cohen's kappa: agreement beyond chance", predictions => QuadraticKappa.Of(Confusion(predictions)))
            : new(
                "quadratic kappa",
                "agreement beyond chance, where the order of the classes has a meaning",
                predictions => QuadraticKappa.Of(Confusion(predictions))),
        .. IsOrdered
            ? [new Statistic(
                "class distance", "mean number of classes between the one that was called and the true one", predictions =>
                    predictions.Average(prediction => Math.Abs(Predicted(prediction) - prediction.Sample.Label)))
                { HigherIsBetter = false }]
            : Array.Empty<Statistic>(),
        new("log loss", "mean cross-entropy", predictions => predictions.Average(prediction => prediction.Loss)) { HigherIsBetter = false },
        Outputs.Count == 2
            ? new("Brier score", $"mean squared error of the probability of '{Outputs[1]}'", predictions =>
                BrierScore.Of([.. predictions.Select(prediction => prediction.Values[1])],
                    [.. predictions.Select(prediction => prediction.Sample.Label == 1)])) { HigherIsBetter = false }
            : new("Brier score", "squared error of the probabilities, added up over the classes", predictions =>
                BrierScore.Of(Values(predictions), Labels(predictions))) { HigherIsBetter = false },
        new("calibration error", "expected calibration error: distance between probability and frequency, over ten bins", predictions =>
            Calibration(predictions).ExpectedError) { HigherIsBetter = false },
    ];

    /// <summary>How often each class was taken for which.</summary>
    public ConfusionMatrix Confusion(IReadOnlyList<Prediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return new(Labels(predictions), [.. predictions.Select(Predicted)], Outputs.Count);
    }

    /// <summary>Of two classes the calibration of the second's probability; of more, that of the most probable class.</summary>
    public Calibration Calibration(IReadOnlyList<Prediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return Outputs.Count == 2
            ? Metrics.Calibration.Of(
                [.. predictions.Select(prediction => prediction.Values[1])],
                [.. predictions.Select(prediction => prediction.Sample.Label == 1)])
            : Metrics.Calibration.Of(
                [.. predictions.Select(prediction => prediction.Values.Max())],
                [.. predictions.Select(prediction => Predicted(prediction) == prediction.Sample.Label)]);
    }

    /// <summary>
    /// The class that is called: at an operating point the second of two from its threshold on, otherwise the most probable; the first
    /// of equals.
    /// </summary>
    public static int Predicted(Prediction prediction)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        return prediction.Thresholds is [_, var threshold]
            ? prediction.Values[1] >= threshold ? 1 : 0
            : prediction.Values.Index().MaxBy(value => value.Item).Index;
    }

    internal override IReadOnlyList<double> Tempered(IReadOnlyList<double> values, double temperature)
    {
        double[] scores = [.. values.Select(value => Log(value) / temperature)];
        var largest = scores.Max();
        double[] powers = [.. scores.Select(score => Math.Exp(score - largest))];
        var sum = powers.Sum();
        return [.. powers.Select(power => power / sum)];
    }

    /// <summary>
    /// Of each boundary between two classes the cross-entropy of lying above it or not, added up: to be two classes off costs more than to
    /// be one off. With two classes it is the cross-entropy.
    /// </summary>
    private static Tensor OrdinalLoss(Tensor scores, int label)
    {
        var classes = scores.shape[1];
        var all = scores.logsumexp(1);
        var loss = zeros_like(all);
        using Scalar one = 1;
        for (var boundary = 1L; boundary < classes; boundary++)
        {
            var side = label >= boundary ? scores.narrow(1, boundary, classes - boundary) : scores.narrow(1, 0, boundary);
            loss = loss.add(all, one) - side.logsumexp(1);
        }

        return loss.sum();
    }

    /// <summary>
    /// What instances are learned by where attention picks them (Lu et al., "Data-efficient and weakly supervised computational pathology
    /// on whole-slide images", 2021, CLAM): those with the most attention are of the image's class, those with the least are not; of more
    /// than two classes, those with the most are none of the others. Cross-entropy, mean over instances, and over classes where they count.
    /// </summary>
    /// <param name="most">
    /// Of the instances with the most attention, for each class scores of not being of it and of being, [2 classes, k].
    /// </param>
    /// <param name="least">Of those with the least.</param>
    /// <param name="label">The image's class.</param>
    internal static Tensor InstanceLoss(Tensor most, Tensor least, int label)
    {
        var classes = most.shape[0] / 2;
        using Scalar half = 0.5, one = 1;
        var loss = Negative(most, label, isOfClass: true).add(Negative(least, label, isOfClass: false), one).mul(half);
        if (classes == 2)
            return loss;
        for (var other = 0; other < classes; other++)
        {
            if (other != label)
                loss = loss.add(Negative(most, other, isOfClass: false), one);
        }

        using Scalar share = 1.0 / classes;
        return loss.mul(share);

        static Tensor Negative(Tensor scores, int label, bool isOfClass) =>
            scores.narrow(0, 2 * label, 2).log_softmax(0)[isOfClass ? 1 : 0].mean().neg();
    }

    private static int[] Labels(IReadOnlyList<Prediction> predictions) => [.. predictions.Select(prediction => prediction.Sample.Label)];

    private static IReadOnlyList<double>[] Values(IReadOnlyList<Prediction> predictions) =>
        [.. predictions.Select(prediction => prediction.Values)];
}
