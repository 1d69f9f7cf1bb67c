using StreamingCnn.Training.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>What the numbers that a model puts out mean: its loss, its predictions, and what counts as good.</summary>
public abstract class LearningTask
{
    /// <summary>Names of the outputs: classes, labels, or the numbers to predict.</summary>
    public abstract IReadOnlyList<string> Outputs { get; }

    /// <summary>What the task is called in files: <c>classes</c>, <c>labels</c> or <c>numbers</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Name of <see cref="Score"/>.</summary>
    public abstract string ScoreName { get; }

    /// <summary>The loss of one image.</summary>
    /// <param name="scores">What the model puts out, [1, outputs].</param>
    /// <param name="sample">The image.</param>
    /// <returns>A scalar.</returns>
    public abstract Tensor Loss(Tensor scores, TrainingSample sample);

    /// <summary>What an image is learned by, where that is not the plain loss.</summary>
    /// <param name="scores">What the model puts out, [1, outputs].</param>
    /// <param name="sample">The image.</param>
    /// <param name="options">How.</param>
    /// <returns>A scalar, without the image's weight.</returns>
    internal abstract Tensor Objective(Tensor scores, TrainingSample sample, LossOptions options);

    /// <summary>Probabilities or numbers from what the model puts out, [1, outputs].</summary>
    public abstract IReadOnlyList<double> Values(Tensor scores);

    /// <summary>A prediction with the loss that follows from its values.</summary>
    /// <param name="sample">The image.</param>
    /// <param name="values">A probability for each class or label, or the predicted numbers.</param>
    public Prediction Judge(TrainingSample sample, IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(values);
        return new(sample, values, LossOf(values, sample));
    }

    /// <summary>The loss of values, as <see cref="Loss"/> has it of what they came from.</summary>
    private protected abstract double LossOf(IReadOnlyList<double> values, TrainingSample sample);

    /// <summary>Probabilities as they would be if the scores that they come from were divided by a temperature.</summary>
    /// <exception cref="NotSupportedException">There are no probabilities.</exception>
    internal virtual IReadOnlyList<double> Tempered(IReadOnlyList<double> values, double temperature) => throw new NotSupportedException();

    /// <summary>One number for how good predictions are, the higher the better; NaN where it is not defined.</summary>
    public abstract double Score(IReadOnlyList<Prediction> predictions);

    /// <summary>All numbers by which predictions are judged in the end, <see cref="Score"/> among them.</summary>
    public virtual IReadOnlyList<Statistic> Statistics => [new(ScoreName, "what training goes by", Score)];

    /// <summary>Makes the task of a given kind.</summary>
    /// <exception cref="ArgumentException">There is no such kind, or it cannot have these outputs.</exception>
    public static LearningTask Create(string kind, IReadOnlyList<string> outputs) => kind switch
    {
        "classes" => new ClassificationTask(outputs),
        "labels" => new MultiLabelTask(outputs),
        "numbers" => new RegressionTask(outputs),
        _ => throw new ArgumentException($"There is no task '{kind}'; choose one of classes, labels, numbers.", nameof(kind)),
    };

    /// <summary>The values of a tensor of any floating type.</summary>
    private protected static IReadOnlyList<double> Numbers(Tensor values) => values.detach().to(ScalarType.Float64).cpu().flatten().data<double>().ToArray();

    /// <summary>By what the focal loss multiplies logarithms of probabilities.</summary>
    private protected static Tensor FocalFactor(Tensor logarithms, LossOptions options)
    {
        if (options.FocalExponent == 0)
            return ones_like(logarithms);
        using Scalar least = 1e-12, exponent = options.FocalExponent;
        return (ones_like(logarithms) - logarithms.exp()).clamp_min(least).pow(exponent);
    }

    /// <summary>The logarithm of a probability; one that is 0 by rounding is taken for the least number above it.</summary>
    private protected static double Log(double probability) => Math.Log(Math.Max(probability, float.Epsilon));

    private protected static Tensor Targets(Tensor scores, TrainingSample sample) =>
        tensor(sample.Targets.ToArray(), [1, sample.Targets.Count], dtype: scores.dtype, device: scores.device);
}
