using StreamingCnn.Training.Metrics;
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

    /// <summary>Probabilities or numbers from what the model puts out, [1, outputs].</summary>
    public abstract IReadOnlyList<double> Values(Tensor scores);

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

    private protected static Tensor Targets(Tensor scores, TrainingSample sample) =>
        tensor(sample.Targets.ToArray(), [1, sample.Targets.Count], dtype: scores.dtype, device: scores.device);
}
