using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Metrics;

/// <summary>
/// What becomes of a model's probabilities before they are told: their calibration, and from where on something is called.
/// </summary>
public sealed record DecisionRule
{
    /// <summary>Probabilities as they are, and no thresholds.</summary>
    public static DecisionRule None { get; } = new();

    /// <summary>What scores are divided by; see <see cref="TemperatureScaling"/>.</summary>
    /// <value>The default value is 1: probabilities as they are.</value>
    public double Temperature { get; init; } = 1;

    /// <summary>From where on something is called.</summary>
    /// <value>The default value is null: the most probable class, and labels from 0.5 on.</value>
    public OperatingPoint? Point { get; init; }

    /// <summary>Chooses both by images that were not learned from; the thresholds are those of the calibrated probabilities.</summary>
    /// <param name="task">What predictions mean.</param>
    /// <param name="predictions">The images, as the model predicts them.</param>
    /// <param name="isCalibrated">Whether to calibrate.</param>
    /// <param name="rule">What the operating point is for; null for none.</param>
    public static DecisionRule Choose(LearningTask task, IReadOnlyList<Prediction> predictions, bool isCalibrated, OperatingRule? rule)
    {
        var calibrated = new DecisionRule { Temperature = isCalibrated ? TemperatureScaling.Fit(task, predictions) : 1 };
        return rule is null
            ? calibrated : calibrated with { Point = OperatingPoint.Choose(task, calibrated.Apply(task, predictions), rule) };
    }

    /// <summary>Predictions by this rule.</summary>
    /// <param name="task">What they mean.</param>
    /// <param name="predictions">As the model has them.</param>
    public IReadOnlyList<Prediction> Apply(LearningTask task, IEnumerable<Prediction> predictions) =>
        [.. predictions.Select(one => Apply(task, one))];

    /// <summary>A prediction by this rule.</summary>
    /// <param name="task">What it means.</param>
    /// <param name="prediction">As the model has it; its loss is left out where it has none.</param>
    public Prediction Apply(LearningTask task, Prediction prediction)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(prediction);
        if (Temperature != 1)
        {
            var values = Calibrate(task, prediction.Values);
            prediction = double.IsNaN(prediction.Loss)
                ? prediction with { Values = values } : ((ScoredTask)task).Judge(prediction.Sample, values);
        }

        return Point is null ? prediction : prediction with { Thresholds = Point.Thresholds };
    }

    /// <summary>What is told of one image, by its temperature.</summary>
    /// <param name="task">What the values mean.</param>
    /// <param name="values">As the model has them.</param>
    internal IReadOnlyList<double> Calibrate(LearningTask task, IReadOnlyList<double> values) =>
        Temperature == 1 ? values : ((ScoredTask)task).Tempered(values, Temperature);
}
