using System.Globalization;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Metrics;

/// <summary>From which probability on each output is called, and what that was chosen for.</summary>
/// <param name="Rule">What it was chosen for.</param>
/// <param name="Thresholds">For each label; of two classes the second number is that of the second class.</param>
public sealed record OperatingPoint(OperatingRule Rule, IReadOnlyList<double> Thresholds)
{
    private const double Neutral = 0.5;

    /// <summary>Whether a task can have one: two classes, or labels.</summary>
    public static bool Fits(LearningTask task) => task is MultiLabelTask or ClassificationTask { Outputs.Count: 2 };

    /// <summary>Chooses the thresholds. A label that all images have, or none, keeps 0.5.</summary>
    /// <param name="task">Two classes, or labels.</param>
    /// <param name="predictions">
    /// The images to choose by: others than those that were learned from, and than those that will be judged by.
    /// </param>
    /// <param name="rule">What is asked for.</param>
    /// <exception cref="ArgumentException">The task has no thresholds.</exception>
    public static OperatingPoint Choose(LearningTask task, IReadOnlyList<Prediction> predictions, OperatingRule rule)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(rule);
        if (!Fits(task))
            throw new ArgumentException(
                $"An operating point is of two classes or of labels, not of {task.Outputs.Count} {task.Kind}; leave it out.", nameof(task));
        double Of(int output)
        {
            bool[] positive = [.. predictions.Select(one => Outcome.IsPositive(task, one, output))];
            var curve = RocCurve.Of([.. predictions.Select(one => one.Values[output])], positive);
            var positives = positive.Count(is1 => is1);
            return curve.Points.Count == 0 ? Neutral : rule.Threshold(curve, positives, positive.Length - positives);
        }

        return new(rule, task is MultiLabelTask ? [.. task.Outputs.Select((_, label) => Of(label))] : [1 - Of(1), Of(1)]);
    }

    /// <summary>Predictions at this point.</summary>
    public IReadOnlyList<Prediction> Apply(IEnumerable<Prediction> predictions) =>
        [.. predictions.Select(one => one with { Thresholds = Thresholds })];

    /// <summary>The thresholds as text.</summary>
    internal string ThresholdText => string.Join(' ', Thresholds.Select(one => one.ToString("R", CultureInfo.InvariantCulture)));
}
