using System.Globalization;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Reports;

/// <summary>A table of a report.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Header">Names of the columns; empty for none.</param>
/// <param name="Rows">The rows.</param>
public sealed record ReportTable(string Title, IReadOnlyList<string> Header, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>What is to be known of it, in sentences.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>A table of names and values, such as a run's settings.</summary>
    public static ReportTable OfSettings(string title, IEnumerable<KeyValuePair<string, string>> settings) =>
        new(title, [], [.. settings.Select(setting => (IReadOnlyList<string>)[setting.Key, setting.Value])]);

    /// <summary>
    /// How many images each part has: of each class, with each label, the range of each number, or of its means over images, or the share
    /// of pixels of each class.
    /// </summary>
    /// <param name="task">What the labels mean.</param>
    /// <param name="parts">The parts; those without images are left out.</param>
    public static ReportTable OfData(LearningTask task, params (string Name, IReadOnlyList<TrainingSample> Samples)[] parts)
    {
        ArgumentNullException.ThrowIfNull(task);
        var filled = parts.Where(part => part.Samples.Count > 0).ToArray();
        var ofClass = filled.ToDictionary(part => part.Name, part => part.Samples.CountBy(sample => sample.Label).ToDictionary());
        return new("Images", ["", .. filled.Select(part => part.Name)],
        [
            ["images", .. filled.Select(part => Text(part.Samples.Count))],
            .. task.Outputs.Select((name, output) => (IReadOnlyList<string>)
            [
                name,
                .. filled.Select(part => task is ClassificationTask
                    ? Text(ofClass[part.Name].GetValueOrDefault(output))
                    : Describe(task, output, part.Samples)),
            ]),
        ]);
    }

    /// <summary>The metrics of a cross-validation: pooled, over the folds, and of each fold.</summary>
    public static ReportTable OfFolds(FoldEvaluation evaluation)
    {
        ArgumentNullException.ThrowIfNull(evaluation);
        var folds = evaluation.Folds.Select((fold, i) => FormattableString.Invariant($"fold {i + 1} ({fold.Predictions.Count})"));
        return new(
            "Folds",
            ["metric", "pooled", "interval", "mean ± deviation", .. folds],
            [
                .. evaluation.Pooled.Metrics.Select((metric, i) => (IReadOnlyList<string>)
                [
                    metric.Name,
                    metric.ValueText,
                    metric.Interval?.ToString() ?? "",
                    $"{Metric.Format(evaluation.Mean(i))} ± {Metric.Format(evaluation.Deviation(i))}",
                    .. evaluation.Folds.Select(fold => fold.Metrics[i].ValueText),
                ]),
            ])
        {
            Notes =
            [
                "Each image was predicted once, by the model that had not seen its fold. Pooled: all predictions together, as if of one model; where models of different folds "
                    + "give scores of different sizes, a pooled AUC is lower than those of the folds. In brackets: images of the fold.",
            ],
        };
    }

    private static string Describe(LearningTask task, int output, IReadOnlyList<TrainingSample> samples) => task switch
    {
        SegmentationTask => samples.Sum(sample => sample.Targets.Sum()) is var pixels and > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{samples.Sum(sample => sample.Targets[output]) / pixels:0.00%} of pixels") : "",
        MapRegressionTask => string.Create(
            CultureInfo.InvariantCulture,
            $"means of images {samples.Min(sample => sample.Targets[output]):G4} to {samples.Max(sample => sample.Targets[output]):G4}"),
        MixedTask mixed => Describe(mixed, output, samples),
        MultiLabelTask => Text(samples.Count(sample => sample.Targets[output] >= 0.5)),
        _ when samples.All(sample => sample.Targets.Count > output) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{samples.Min(sample => sample.Targets[output]):G4} to {samples.Max(sample => sample.Targets[output]):G4}"),
        _ => "",
    };

    private static string Describe(MixedTask task, int output, IReadOnlyList<TrainingSample> samples)
    {
        var (column, label) = task.Place(output);
        var values = samples.Where(sample => MixedTask.Has(sample, column)).Select(sample => sample.Targets[column]).ToArray();
        return task.Columns[column].Task switch
        {
            ClassificationTask => Text(values.Count(value => (int)value == label)),
            MultiLabelTask => Text(values.Count(value => value >= 0.5)),
            _ => values.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{values.Min():G4} to {values.Max():G4}"),
        };
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
