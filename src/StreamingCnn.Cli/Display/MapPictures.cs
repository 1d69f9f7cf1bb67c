using StreamingCnn.Training;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Display;

/// <summary>
/// The best, the median and the worst image of a part, each with what is true of its pixels, what the model says, and where that is wrong.
/// </summary>
internal static class MapPictures
{
    private const string OfClasses = "Best, median and worst image: image, mask, prediction, errors (red); black does not count";
    private const string OfNumbers = "Best, median and worst image: image, map, prediction, error; black has no number";

    /// <summary>The pictures for a report; null where the model gives no maps.</summary>
    /// <param name="model">The model.</param>
    /// <param name="task">What it has learned.</param>
    /// <param name="predictions">What it says of the part.</param>
    /// <param name="run">Hands out the map of an image; null for the model's own.</param>
    public static (string Title, IReadOnlyList<ReportPicture> All)? Of(
        TrainableModel model, LearningTask task, IReadOnlyList<Prediction> predictions, Action<IImageSource, IMapSink>? run = null)
    {
        // Processes that share each image have none of it whole.
        if (model is not StreamingMapModel { Options.SplitOver: not { Size: > 1 } } maps || task is not MapTask || predictions.Count == 0)
            return null;
        var order = (task is SegmentationTask classes
            ? predictions.OrderByDescending(prediction => classes.Confusion(prediction).MeanIntersectionOverUnion)
                .ThenBy(prediction => prediction.Loss)
            : predictions.OrderBy(prediction => prediction.Loss)).ToArray();
        (string Name, Prediction Prediction)[] chosen = order.Length switch
        {
            1 => [("the only one", order[0])],
            2 => [("best", order[0]), ("worst", order[1])],
            _ => [("best", order[0]), ("median", order[order.Length / 2]), ("worst", order[^1])],
        };
        return (
            task is SegmentationTask ? OfClasses : OfNumbers,
            [.. chosen.Select(one => Picture(maps, task, one.Name, one.Prediction, run)).OfType<ReportPicture>()]);
    }

    private static ReportPicture? Picture(
        StreamingMapModel model, LearningTask task, string name, Prediction prediction, Action<IImageSource, IMapSink>? run)
    {
        if (ComparisonPicture.Jpeg(model, prediction.Sample, out var remark, run: run) is not { } jpeg)
            return null;
        var shown = remark.Length > 0 ? $"; {(task is SegmentationTask ? "image: " : "")}{remark}" : "";
        var quality = task switch
        {
            SegmentationTask maps => $"mean IoU {Metric.Format(maps.Confusion(prediction).MeanIntersectionOverUnion)}",
            MapRegressionTask maps =>
                $"{task.Outputs[0]}: mean absolute error {Metric.Format(maps.Errors(prediction)[0].MeanAbsolute)}",
            _ => "",
        };
        return new($"{name}: {Path.GetFileName(prediction.Sample.Name)}, {quality}{shown}", jpeg);
    }
}
