using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Runs;

/// <summary>Predictions as lines of CSV or as JSON: the image, what is true where it is known, the predicted class where there are classes, and a number for each output.</summary>
public static class PredictionText
{
    // Names of files and classes in other scripts stay readable; this is no text within a web page.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The line of the names of columns, without an end of line.</summary>
    public static string CsvHeader(LearningTask task, bool withTruth)
    {
        ArgumentNullException.ThrowIfNull(task);
        var isClasses = task is ClassificationTask;
        var text = new StringBuilder("image");
        if (withTruth)
            text.Append(isClasses ? ",label" : string.Concat(task.Outputs.Select(name => $",{Quote($"true {name}")}")));
        if (isClasses)
            text.Append(",predicted");
        return text.AppendJoin("", task.Outputs.Select(name => $",{Quote(name)}")).ToString();
    }

    /// <summary>The line of one prediction, without an end of line.</summary>
    public static string CsvLine(LearningTask task, Prediction prediction, bool withTruth)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(prediction);
        var isClasses = task is ClassificationTask;
        var text = new StringBuilder(Quote(prediction.Sample.Name));
        if (withTruth)
        {
            text.Append(isClasses
                ? $",{Quote(task.Outputs[prediction.Sample.Label])}"
                : string.Concat(prediction.Sample.Targets.Select(value => $",{Number(value)}")));
        }

        if (isClasses)
            text.Append(CultureInfo.InvariantCulture, $",{Quote(task.Outputs[ClassificationTask.Predicted(prediction)])}");
        return text.AppendJoin("", prediction.Values.Select(value => $",{Number(value)}")).ToString();
    }

    /// <summary>One prediction as a JSON object on one line: <c>image</c>, <c>predicted</c> where there are classes, and <c>values</c> by the names of the outputs.</summary>
    public static string Json(LearningTask task, Prediction prediction)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(prediction);
        var text = new JsonObject { ["image"] = prediction.Sample.Name };
        if (task is ClassificationTask)
            text["predicted"] = task.Outputs[ClassificationTask.Predicted(prediction)];
        text["values"] = new JsonObject(task.Outputs.Zip(prediction.Values, (name, value) => KeyValuePair.Create(name, (JsonNode?)value)));
        return text.ToJsonString(Readable);
    }

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Quote(string text) => text.AsSpan().ContainsAny(",\"\n\r") ? $"\"{text.Replace("\"", "\"\"")}\"" : text;
}
