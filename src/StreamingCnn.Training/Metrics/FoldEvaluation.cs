using System.Globalization;
using System.Text;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Metrics;

/// <summary>
/// What a cross-validation says: each image was predicted once, by a model that had not seen its fold. All predictions pooled, with
/// intervals; and fold by fold, which shows how much hangs on what was learned from.
/// </summary>
public sealed class FoldEvaluation
{
    /// <summary>Judges predictions.</summary>
    /// <param name="task">What they mean.</param>
    /// <param name="folds">The predictions of each fold's images, at least one in each.</param>
    /// <param name="options">Settings of the intervals; null for the defaults.</param>
    /// <exception cref="ArgumentException">There are no predictions, one is NaN, or an option is out of its range.</exception>
    public FoldEvaluation(LearningTask task, IReadOnlyList<IReadOnlyList<Prediction>> folds, EvaluationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(folds);
        options ??= new();
        Pooled = new(task, [.. folds.SelectMany(fold => fold)], options);
        Folds = [.. folds.Select(fold => new Evaluation(task, fold, options with { Resamples = 0 }))];
    }

    /// <summary>All predictions together.</summary>
    public Evaluation Pooled { get; }

    /// <summary>Each fold, without intervals.</summary>
    public IReadOnlyList<Evaluation> Folds { get; }

    /// <summary>Mean over the folds for which it is defined; NaN where it is so for none.</summary>
    /// <param name="metric">The metric's place in <see cref="Evaluation.Metrics"/>.</param>
    public double Mean(int metric) => Defined(metric) is { Length: > 0 } values ? values.Average() : double.NaN;

    /// <summary>
    /// Standard deviation over the folds for which it is defined, that of a sample; NaN where it is so for fewer than two.
    /// </summary>
    /// <param name="metric">The metric's place in <see cref="Evaluation.Metrics"/>.</param>
    public double Deviation(int metric)
    {
        var values = Defined(metric);
        var mean = Mean(metric);
        return values.Length < 2 ? double.NaN : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }

    /// <summary>
    /// Writes the metrics as CSV: name, pooled value and its interval, mean and deviation over folds, and the value of each fold; what
    /// is not defined stays empty.
    /// </summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void WriteMetrics(string path)
    {
        var text = new StringBuilder("metric,pooled,low,high,mean,deviation");
        text.Append(string.Concat(Folds.Select((_, fold) => FormattableString.Invariant($",fold {fold + 1}")))).Append('\n');
        foreach (var (i, metric) in Pooled.Metrics.Index())
        {
            double?[] numbers = [metric.Value, metric.Interval?.Low, metric.Interval?.High, Mean(i), Deviation(i),
                .. Folds.Select(fold => fold.Metrics[i].Value)];
            text.Append(Evaluation.Name(metric));
            text.Append(string.Concat(numbers.Select(number => $",{Evaluation.Number(number)}"))).Append('\n');
        }

        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private double[] Defined(int metric) => [.. Folds.Select(fold => fold.Metrics[metric].Value).Where(value => !double.IsNaN(value))];
}
