using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Metrics;

/// <summary>What the best epoch is chosen by, of the validation images, where it is not the task's score.</summary>
public sealed class MonitoredMetric
{
    private const string Loss = "loss";

    private readonly Statistic statistic;

    private MonitoredMetric(string name, Statistic statistic)
    {
        Name = name;
        this.statistic = statistic;
    }

    /// <summary>Its name as it is asked for, such as <c>auc</c>.</summary>
    public string Name { get; }

    /// <summary>Finds a metric.</summary>
    /// <param name="task">What predictions mean.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">The task has no such metric.</exception>
    public static MonitoredMetric Of(LearningTask task, string name) =>
        All(task).Where(one => one.Name == name).Select(one => new MonitoredMetric(one.Name, one.Statistic)).FirstOrDefault()
            ?? throw new ArgumentException(
                $"'{name}' cannot be monitored where the task is {task.Kind}; choose one of {string.Join(", ", Names(task))}.",
                    nameof(name));

    /// <summary>Names of what can be monitored: the loss, and the metrics of the task.</summary>
    public static IReadOnlyList<string> Names(LearningTask task) => [.. All(task).Select(one => one.Name)];

    /// <summary>How good predictions are by it, the higher the better; NaN where it is not defined.</summary>
    internal double Quality(IReadOnlyList<Prediction> predictions) => Signed(statistic.Compute(predictions));

    /// <summary>The metric of a part whose quality is known.</summary>
    internal double? Value(PartResult? part) => part?.Quality is { } quality ? Signed(quality) : null;

    private static IEnumerable<(string Name, Statistic Statistic)> All(LearningTask task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return task.Statistics.Where(one => one.IsQuality).Select(one => (one.Name.ToLowerInvariant().Replace(' ', '-'), one)).Prepend(
            (Loss, new Statistic(Loss, "mean of the task's loss", predictions =>
                predictions.Average(one => one.Loss))
            { HigherIsBetter = false }));
    }

    private double Signed(double value) => statistic.HigherIsBetter ? value : -value;
}
