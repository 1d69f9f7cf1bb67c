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
    /// <param name="worst">How many of the worst images to show, beside the best and the median one.</param>
    public static (string Title, IReadOnlyList<ReportPicture> All)? Of(
        TrainableModel model,
        LearningTask task,
        IReadOnlyList<Prediction> predictions,
        Action<IImageSource, IMapSink>? run = null,
        int worst = 1)
    {
        // Processes that share each image have none of it whole.
        if (model is not StreamingMapModel { Options.SplitOver: not { Size: > 1 } } maps || task is not MapTask || predictions.Count == 0)
            return null;
        var title = task is SegmentationTask ? OfClasses : OfNumbers;
        if (predictions.Count == 1)
            return (title, Pictures([("the only one", predictions[0])]));
        var order = (task is SegmentationTask classes
            ? predictions.OrderByDescending(prediction => classes.Confusion(prediction).MeanIntersectionOverUnion)
                .ThenBy(prediction => prediction.Loss)
            : predictions.OrderBy(prediction => prediction.Loss)).ToArray();
        var (last, median) = (Math.Clamp(worst, 1, order.Length), order.Length / 2);
        List<(string Name, Prediction Prediction)> chosen = [];
        if (last < order.Length)
            chosen.Add(("best", order[0]));
        if (median > 0 && median < order.Length - last)
            chosen.Add(("median", order[median]));
        chosen.AddRange(Enumerable.Range(1, last).Select(place => (Place(place), order[^place])));
        return (title, Pictures(chosen));

        IReadOnlyList<ReportPicture> Pictures(IEnumerable<(string Name, Prediction Prediction)> shown) =>
            [.. shown.Select(one => Picture(maps, task, one.Name, one.Prediction, run)).OfType<ReportPicture>()];
    }

    private static string Place(int place) => place == 1 ? "worst" : $"worst but {place - 1}";

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
