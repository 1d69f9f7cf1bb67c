using System.Globalization;
using System.Text;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Metrics;

/// <summary>A ROC curve and what it is of.</summary>
/// <param name="Name">The class or label.</param>
/// <param name="Curve">The curve of it against all others.</param>
public sealed record NamedRocCurve(string Name, RocCurve Curve);

/// <summary>All that can be said of predictions beside what is true: metrics with intervals, and the curves behind them.</summary>
public sealed class Evaluation
{
    // The percentile bootstrap holds what it says from about this many on.
    private const int FewGroups = 20;

    /// <summary>Judges predictions.</summary>
    /// <param name="task">What the predictions mean.</param>
    /// <param name="predictions">The predictions, at least one.</param>
    /// <param name="options">Settings of the intervals; null for the defaults.</param>
    /// <exception cref="ArgumentException">There are no predictions, one is NaN, or an option is out of its range.</exception>
    public Evaluation(LearningTask task, IReadOnlyList<Prediction> predictions, EvaluationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(predictions);
        options ??= new();
        options.Validate();
        if (predictions.Count == 0)
            throw new ArgumentException("There are no predictions to judge.", nameof(predictions));
        Task = task;
        Predictions = predictions;
        Metrics = Judge(options);
    }

    /// <summary>What the predictions mean.</summary>
    public LearningTask Task { get; }

    /// <summary>The predictions.</summary>
    public IReadOnlyList<Prediction> Predictions { get; }

    /// <summary>The metrics that fit the task.</summary>
    public IReadOnlyList<Metric> Metrics { get; }

    /// <summary>Whether each image belongs to a group, so that intervals come from drawing groups.</summary>
    public bool IsGrouped => Predictions.All(prediction => prediction.Sample.Group.Length > 0);

    /// <summary>Whether something is called from a threshold on, so that sensitivity and the like are among the metrics.</summary>
    public bool IsAtPoint => Predictions.All(prediction => prediction.Thresholds is not null);

    private int GroupCount => Predictions.Select(prediction => prediction.Sample.Group).Distinct(StringComparer.Ordinal).Count();

    /// <summary>What is to be known of the intervals, in sentences; empty where there are none.</summary>
    public string IntervalNote
    {
        get
        {
            var intervals = Metrics.Select(metric => metric.Interval).OfType<ConfidenceInterval>().ToArray();
            if (intervals.Length == 0)
                return "";
            var hasShares = intervals.Any(interval => interval.Method == WilsonInterval.Method);
            var method = intervals.Where(interval => interval.Method != WilsonInterval.Method).MinBy(interval => interval.Method.Length)!;
            var units = IsGrouped ? "groups" : "images";
            var note = string.Create(CultureInfo.InvariantCulture,
                $"Intervals hold {method.Level:0%}: {method.Method}. They take {units} to be independent of each other.");
            if (hasShares)
                note += $" Sensitivity and the like have {WilsonInterval.Method}.";
            if (IsGrouped && GroupCount < FewGroups)
                note += " With so few groups they are too narrow.";
            return intervals.Any(interval => interval.Low == interval.High)
                ? note + " One without width says that no resample differed, as with a perfect result, not that there is no doubt."
                : note;
        }
    }

    /// <summary>How often each class was taken for which; null unless the task is one of classes.</summary>
    public ConfusionMatrix? Confusion => Task is ClassificationTask classes ? classes.Confusion(Predictions) : null;

    /// <summary>
    /// Of two classes the curve of the second; of more, and of labels, one for each. Without those for which it is not defined.
    /// </summary>
    public IReadOnlyList<NamedRocCurve> RocCurves => [.. Task switch
    {
        ClassificationTask { Outputs.Count: 2 } => Curves(1, (prediction, label) => prediction.Sample.Label == label),
        ClassificationTask => Curves(0, (prediction, label) => prediction.Sample.Label == label),
        MultiLabelTask => Curves(0, (prediction, label) => prediction.Sample.Targets[label] >= 0.5),
        _ => [],
    }];

    /// <summary>
    /// Calibration: of two classes, of the second's probability; of more, of the most probable class; of labels, of all together. Null for
    /// numbers.
    /// </summary>
    public Calibration? Calibration => Task switch
    {
        ClassificationTask classes => classes.Calibration(Predictions),
        MultiLabelTask => MultiLabelTask.Calibration(Predictions),
        _ => null,
    };

    /// <summary>The predictions that are furthest off, by the task's loss, the worst first.</summary>
    /// <param name="count">How many at most.</param>
    public IEnumerable<Prediction> Worst(int count) => Predictions.OrderByDescending(prediction => prediction.Loss).Take(count);

    /// <summary>Writes the metrics as CSV: name, value, and the ends of the interval; what is not defined stays empty.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void WriteMetrics(string path)
    {
        var text = new StringBuilder("metric,value,low,high\n");
        foreach (var metric in Metrics)
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Name(metric)},{Number(metric.Value)},{Number(metric.Interval?.Low)},{Number(metric.Interval?.High)}\n");
        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>A metric's name as it stands in a table.</summary>
    internal static string Name(Metric metric) => metric.Name.Contains(',', StringComparison.Ordinal) ? $"\"{metric.Name}\"" : metric.Name;

    /// <summary>A number as it stands in a table; empty where it is not defined.</summary>
    internal static string Number(double? value) => value is { } number && !double.IsNaN(number)
        ? number.ToString("R", CultureInfo.InvariantCulture) : "";

    private Metric[] Judge(EvaluationOptions options)
    {
        Statistic[] statistics = [.. Task.Statistics, .. IsAtPoint ? Outcome.Statistics(Task) : []];
        var intervals = options.Resamples == 0
            ? [.. statistics.Select(_ => (ConfidenceInterval?)null)]
            : Bootstrap.Intervals(
                Predictions,
                [.. statistics.Select(statistic => statistic.Compute)],
                Task is ClassificationTask ? prediction => prediction.Sample.Label : null,
                options.Resamples,
                options.Level,
                options.Seed,
                IsGrouped ? prediction => prediction.Sample.Group : null);
        return [.. statistics.Zip(intervals, (statistic, interval) =>
        {
            var value = statistic.Compute(Predictions);
            if (statistic.Share is { } share && !IsGrouped && options.Resamples > 0)
            {
                var (count, of) = share(Predictions);
                interval = WilsonInterval.Of(count, of, options.Level);
            }

            return new Metric(statistic.Name, statistic.Explanation, value, double.IsNaN(value) ? null : interval);
        })];
    }

    private IEnumerable<NamedRocCurve> Curves(int first, Func<Prediction, int, bool> isPositive)
    {
        for (var label = first; label < Task.Outputs.Count; label++)
        {
            var curve = RocCurve.Of(
                [.. Predictions.Select(prediction => prediction.Values[label])],
                [.. Predictions.Select(prediction => isPositive(prediction, label))]);
            if (curve.Points.Count > 0)
                yield return new(Task.Outputs[label], curve);
        }
    }
}
