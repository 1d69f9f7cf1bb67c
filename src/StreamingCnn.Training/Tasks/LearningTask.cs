using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Tasks;

/// <summary>What is to be learned: what a model's predictions mean, and what counts as good.</summary>
public abstract class LearningTask
{
    /// <summary>Names of the outputs: classes, labels, or the numbers to predict.</summary>
    public abstract IReadOnlyList<string> Outputs { get; }

    /// <summary>
    /// What the task is called in files: <c>classes</c>, <c>labels</c>, <c>numbers</c>, <c>mixed</c>, <c>segmentation</c> or <c>maps</c>.
    /// </summary>
    public abstract string Kind { get; }

    /// <summary>How many numbers <see cref="Prediction.Values"/> has.</summary>
    public virtual int ValueCount => Outputs.Count;

    /// <summary>Name of <see cref="Score"/>.</summary>
    public abstract string ScoreName { get; }

    /// <summary>One number for how good predictions are, the higher the better; NaN where it is not defined.</summary>
    public abstract double Score(IReadOnlyList<Prediction> predictions);

    /// <summary>All numbers by which predictions are judged in the end, <see cref="Score"/> among them.</summary>
    public virtual IReadOnlyList<Statistic> Statistics => [new(ScoreName, "what training goes by", Score)];

    /// <summary>Makes the task of a given kind; one of columns of different kinds is made by <see cref="MixedTask"/> itself.</summary>
    /// <exception cref="ArgumentException">There is no such kind, or it cannot have these outputs.</exception>
    public static LearningTask Create(string kind, IReadOnlyList<string> outputs) => kind switch
    {
        "classes" => new ClassificationTask(outputs),
        "labels" => new MultiLabelTask(outputs),
        "numbers" => new RegressionTask(outputs),
        SegmentationTask.Name => new SegmentationTask(outputs),
        MapRegressionTask.Name => new MapRegressionTask(outputs),
        _ => throw new ArgumentException($"There is no task '{kind}'; choose one of classes, labels, numbers, segmentation, maps.", nameof(kind)),
    };
}
