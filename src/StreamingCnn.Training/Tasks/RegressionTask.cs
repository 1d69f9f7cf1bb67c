using StreamingCnn.Training.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>Numbers are to be predicted: squared error for a loss, the negative mean absolute error for a score.</summary>
public sealed class RegressionTask : ScoredTask
{
    /// <summary>Creates the task.</summary>
    /// <param name="numbers">Names of the numbers, at least 1.</param>
    /// <exception cref="ArgumentException">There are no numbers.</exception>
    public RegressionTask(IReadOnlyList<string> numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (numbers.Count == 0)
            throw new ArgumentException("There must be at least 1 number to predict.", nameof(numbers));
        Outputs = numbers;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Outputs { get; }

    /// <inheritdoc/>
    public override string Kind => "numbers";

    /// <inheritdoc/>
    public override string ScoreName => "negative mean absolute error";

    /// <inheritdoc/>
    public override Tensor Loss(Tensor scores, TrainingSample sample) => nn.functional.mse_loss(scores, Targets(scores, sample));

    internal override Tensor Objective(Tensor scores, TrainingSample sample, LossOptions options)
    {
        if (options.HuberDistance is not { } distance)
            return Loss(scores, sample);
        var error = (scores - Targets(scores, sample)).abs();
        using Scalar limit = distance, half = 0.5;
        var within = error.clamp_max(limit);
        return (within * (error - within.mul(half))).mean();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<double> Values(Tensor scores) => Numbers(scores);

    private protected override double LossOf(IReadOnlyList<double> values, TrainingSample sample) =>
        values.Zip(sample.Targets, (value, target) => (value - target) * (value - target)).Average();

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions) => -RegressionError.MeanAbsolute(
        [.. predictions.SelectMany(prediction => prediction.Values)], [.. predictions.SelectMany(prediction => prediction.Sample.Targets)]);

    /// <inheritdoc/>
    public override IReadOnlyList<Statistic> Statistics =>
    [
        .. Outputs.SelectMany((name, number) =>
        {
            var of = Outputs.Count == 1 ? "" : $" of {name}";
            return (Statistic[])
            [
                new($"mean absolute error{of}", "in the number's own unit", predictions =>
                    Compare(predictions, number, RegressionError.MeanAbsolute)) { HigherIsBetter = false },
                new($"root mean square error{of}", "in the number's own unit", predictions =>
                    Compare(predictions, number, RegressionError.RootMeanSquare)) { HigherIsBetter = false },
                new(
                    $"R2{of}", "share of the variance that is explained; 0 is what the mean would give", predictions => Compare(
                        predictions, number, RegressionError.Determination)),
                new(
                    $"Pearson{of}", "correlation of predicted and true numbers", predictions => Compare(
                        predictions, number, Correlation.Pearson)),
                new($"Spearman{of}", "correlation of their ranks", predictions => Compare(predictions, number, Correlation.Spearman)),
                new($"C-index{of}", "share of pairs that are predicted in their order", predictions =>
                    Compare(predictions, number, (predicted, actual) => ConcordanceIndex.Of(predicted, actual))),
            ];
        }),
    ];

    private static double Compare(
        IReadOnlyList<Prediction> predictions, int number, Func<IReadOnlyList<double>, IReadOnlyList<double>, double> metric) =>
        metric(
            [.. predictions.Select(prediction => prediction.Values[number])],
            [.. predictions.Select(prediction => prediction.Sample.Targets[number])]);
}
