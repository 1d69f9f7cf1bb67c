using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Runs;

/// <summary>
/// Predictions as lines of CSV or as JSON: the image, what is true where it is known, the predicted class where there are classes, and a
/// number for each output.
/// </summary>
public static class PredictionText
{
    internal const string ImageColumn = "image";
    internal const string GroupColumn = "group";
    internal const string LabelColumn = "label";

    // Names of files and classes in other scripts stay readable; this is no text within a web page.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The line of the names of columns, without an end of line.</summary>
    /// <param name="task">What the outputs mean.</param>
    /// <param name="withTruth">Whether there are columns of what is true.</param>
    /// <param name="withGroup">Whether there is a column of what images belong to.</param>
    /// <param name="withCalled">Whether there is a column of the labels that are called; classes always have one.</param>
    public static string CsvHeader(LearningTask task, bool withTruth, bool withGroup = false, bool withCalled = false)
    {
        ArgumentNullException.ThrowIfNull(task);
        var isClasses = task is ClassificationTask;
        var text = new StringBuilder(ImageColumn);
        if (withGroup)
            text.Append($",{GroupColumn}");
        if (task is MapTask)
        {
            var of = task is MapRegressionTask ? "mean " : "";
            return text.Append(",pixels,loss")
                .AppendJoin("", task.Statistics.Select(statistic => $",{Quote(statistic.Name)}"))
                .AppendJoin(
                    "", task.Outputs.Select(name => $",{Quote(TrueColumn(of + name))},{Quote(PredictedColumn(of + name))}")).ToString();
        }

        var labels = task is MixedTask mixed ? mixed.Columns.Select(column => column.Name) : task.Outputs;
        if (withTruth)
            text.Append(isClasses ? $",{LabelColumn}" : string.Concat(labels.Select(name => $",{Quote(TrueColumn(name))}")));
        if (isClasses || withCalled || task is MixedTask)
            text.Append(",predicted");
        return text.AppendJoin("", task.Outputs.Select(name => $",{Quote(name)}")).ToString();
    }

    /// <summary>The line of one prediction, without an end of line.</summary>
    /// <param name="task">What the outputs mean.</param>
    /// <param name="prediction">The prediction.</param>
    /// <param name="withTruth">Whether to write what is true.</param>
    /// <param name="withGroup">Whether to write what the image belongs to.</param>
    public static string CsvLine(LearningTask task, Prediction prediction, bool withTruth, bool withGroup = false)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(prediction);
        var isClasses = task is ClassificationTask;
        var text = new StringBuilder(Quote(prediction.Sample.Name));
        if (withGroup)
            text.Append($",{Quote(prediction.Sample.Group)}");
        if (task is MapTask)
            return MapLine(text, task, prediction);

        if (withTruth)
        {
            text.Append(isClasses
                ? $",{Quote(task.Outputs[prediction.Sample.Label])}"
                : string.Concat(prediction.Sample.Targets.Select((value, column) => double.IsNaN(value) ? ","
                    : task is MixedTask mixed && mixed.Columns[column].Task is ClassificationTask classes
                        ? $",{Quote(classes.Outputs[(int)value])}"
                        : $",{Number(value)}")));
        }

        if (isClasses)
            text.Append(CultureInfo.InvariantCulture, $",{Quote(task.Outputs[ClassificationTask.Predicted(prediction)])}");
        else if (prediction.Thresholds is not null || task is MixedTask)
            text.Append(CultureInfo.InvariantCulture, $",{Quote(string.Join(';', Called(task, prediction)))}");
        return text.AppendJoin("", prediction.Values.Select(value => $",{Number(value)}")).ToString();
    }

    /// <summary>Pixels that count, the loss, each statistic of the image alone, and what is true and predicted of each output.</summary>
    private static string MapLine(StringBuilder text, LearningTask task, Prediction prediction)
    {
        var (pixels, pairs) = task switch
        {
            SegmentationTask maps when maps.Confusion(prediction) is var confusion => (
                confusion.Total, task.Outputs.Select((_, label) => (confusion.Actual(label), confusion.Predicted(label)))),
            MapRegressionTask maps when maps.Errors(prediction) is var errors => (
                errors.Max(one => one.Count), errors.Select(one => (one.TrueMean, one.PredictedMean))),
            _ => throw new ArgumentException($"There are no lines of {task.Kind}.", nameof(task)),
        };
        return text.Append($",{Number(pixels)},{Number(prediction.Loss)}")
            .AppendJoin(
                "", task.Statistics.Select(statistic => statistic.Compute([prediction])).Select(
                    value => double.IsNaN(value) ? "," : $",{Number(value)}"))
            .AppendJoin("", pairs.Select(pair => $",{Number(pair.Item1)},{Number(pair.Item2)}")).ToString();
    }

    /// <summary>
    /// One prediction as a JSON object on one line: <c>image</c>, <c>predicted</c> where there are classes, and <c>values</c> by the names
    /// of the outputs.
    /// </summary>
    public static string Json(LearningTask task, Prediction prediction)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(prediction);
        var text = new JsonObject { ["image"] = prediction.Sample.Name };
        if (task is ClassificationTask)
            text["predicted"] = task.Outputs[ClassificationTask.Predicted(prediction)];
        else if (prediction.Thresholds is not null || task is MixedTask)
            text["predicted"] = new JsonArray([.. Called(task, prediction).Select(name => (JsonNode?)name)]);
        text["values"] = new JsonObject(task.Outputs.Zip(prediction.Values, (name, value) => KeyValuePair.Create(name, (JsonNode?)value)));
        return text.ToJsonString(Readable);
    }

    /// <summary>Names of the class that is called, or of all labels that are; none where numbers are predicted.</summary>
    internal static IReadOnlyList<string> Called(LearningTask task, Prediction prediction) => task switch
    {
        ClassificationTask => [task.Outputs[ClassificationTask.Predicted(prediction)]],
        MultiLabelTask => [.. task.Outputs.Where((_, label) => MultiLabelTask.Has(prediction, label))],
        MixedTask mixed =>
        [
            .. mixed.Columns.SelectMany((column, place) => Called(column.Task, mixed.Part(prediction, place))
                .Select(name => column.Task is ClassificationTask ? $"{column.Name}={name}" : column.Name)),
        ],
        _ => [],
    };

    /// <summary>The column of what is true of a label or number.</summary>
    internal static string TrueColumn(string output) => $"true {output}";

    /// <summary>The column of how many pixels were taken for a class, or of what was predicted for a number.</summary>
    private static string PredictedColumn(string output) => $"predicted {output}";

    internal static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    internal static string Quote(string text) => text.AsSpan().ContainsAny(",\"\n\r") ? $"\"{text.Replace("\"", "\"\"")}\"" : text;
}
