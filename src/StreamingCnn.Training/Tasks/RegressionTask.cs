using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>Numbers are to be predicted: squared error for a loss, the negative mean absolute error for a score.</summary>
public sealed class RegressionTask : LearningTask
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

    /// <inheritdoc/>
    public override IReadOnlyList<double> Values(Tensor scores) => Numbers(scores);

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions) =>
        -predictions.Average(prediction => prediction.Values.Zip(prediction.Sample.Targets, (value, target) => Math.Abs(value - target)).Average());
}
