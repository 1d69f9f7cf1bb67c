using System.Globalization;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Reports;

/// <summary>What was chosen on the validation images, and what it does: calibration, and the operating point.</summary>
public static class DecisionTables
{
    private static readonly string[] OfProbabilities = ["log loss", "Brier score", "calibration error"];

    /// <summary>The tables; none where nothing was chosen.</summary>
    /// <param name="task">What predictions mean.</param>
    /// <param name="decision">What was chosen.</param>
    /// <param name="parts">Each part's predictions as the model has them, and as they are told.</param>
    public static IReadOnlyList<ReportTable> Of(LearningTask task, DecisionRule decision,
        IReadOnlyList<(string Name, Evaluation Before, Evaluation After)> parts)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(decision);
        ArgumentNullException.ThrowIfNull(parts);
        var tables = new List<ReportTable>();
        if (decision.Point is { } point)
            tables.Add(Point(task, point, parts));
        if (decision.Temperature != 1)
            tables.Add(Calibration(decision.Temperature, parts));
        return tables;
    }

    private static ReportTable Point(LearningTask task, OperatingPoint point,
        IReadOnlyList<(string Name, Evaluation Before, Evaluation After)> parts)
    {
        var places = parts[0].After.Metrics.Index().Where(metric => IsOutcome(metric.Item.Name)).Select(metric => metric.Index);
        var thresholds = task is MultiLabelTask
            ? string.Join(", ",
                task.Outputs.Zip(point.Thresholds, (name, threshold) =>
                    string.Create(CultureInfo.InvariantCulture, $"{name} {threshold:0.000}")))
            : string.Create(CultureInfo.InvariantCulture, $"{task.Outputs[1]} from {point.Thresholds[1]:0.000} on");
        return new(
            "Operating point",
            ["metric", .. parts.Select(part => part.Name)],
            [.. places.Select(place =>
                (IReadOnlyList<string>)[parts[0].After.Metrics[place].Name, .. parts.Select(part => Text(part.After.Metrics[place]))])])
        {
            Notes = [
                $"Chosen on the validation images for {point.Rule}: {thresholds}. There it is met by choice, and a little too good; elsewhere the interval says what to expect."],
        };

        static string Text(Metric metric) => metric.Interval is null ? metric.ValueText : $"{metric.ValueText} ({metric.Interval})";
    }

    private static ReportTable Calibration(double temperature,
        IReadOnlyList<(string Name, Evaluation Before, Evaluation After)> parts) => new(
        "Calibration by temperature",
        ["metric", .. parts.SelectMany(part => (string[])[$"{part.Name}, before", $"{part.Name}, after"])],
        [
            .. OfProbabilities.Select(name => (IReadOnlyList<string>)
                [name, .. parts.SelectMany(part => (string[])[Value(part.Before, name), Value(part.After, name)])]),
        ])
        {
            Notes =
        [
            string.Create(
                CultureInfo.InvariantCulture,
                $"Scores are divided by {temperature:0.000}, which was fitted on the validation images: {(temperature > 1 ? "the model was too sure of itself" : "the model was not sure enough of itself")}."),
        ],
        };

    private static bool IsOutcome(string name) => name.StartsWith("sensitivity", StringComparison.Ordinal)
        || name.StartsWith("specificity", StringComparison.Ordinal) || name is "PPV" or "NPV";

    private static string Value(Evaluation evaluation, string name) => evaluation.Metrics.First(metric => metric.Name == name).ValueText;
}
