using StreamingCnn.Training;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Display;

/// <summary>The best, the median and the worst image of a part, each with its mask, what the model says, and where that is wrong.</summary>
internal static class MapPictures
{
    private const string Title = "Best, median and worst image: image, mask, prediction, errors (red); black does not count";

    /// <summary>The pictures for a report; null where the model gives no maps.</summary>
    public static (string Title, IReadOnlyList<ReportPicture> All)? Of(
        TrainableModel model, LearningTask task, IReadOnlyList<Prediction> predictions)
    {
        // Processes that share each image have none of it whole.
        if (model is not StreamingSegmenter { Options.SplitOver: not { Size: > 1 } } segmenter
            || task is not SegmentationTask maps
            || predictions.Count == 0)
            return null;
        var order = predictions.OrderByDescending(prediction => maps.Confusion(prediction).MeanIntersectionOverUnion)
            .ThenBy(prediction => prediction.Loss).ToArray();
        (string Name, Prediction Prediction)[] chosen = order.Length switch
        {
            1 => [("the only one", order[0])],
            2 => [("best", order[0]), ("worst", order[1])],
            _ => [("best", order[0]), ("median", order[order.Length / 2]), ("worst", order[^1])],
        };
        return (Title, [.. chosen.Select(one => Picture(segmenter, maps, one.Name, one.Prediction)).OfType<ReportPicture>()]);
    }

    private static ReportPicture? Picture(StreamingSegmenter segmenter, SegmentationTask maps, string name, Prediction prediction)
    {
        if (ComparisonPicture.Jpeg(segmenter, prediction.Sample, out var remark) is not { } jpeg)
            return null;
        var shown = remark.Length > 0 ? $"; image: {remark}" : "";
        var overlap = Metric.Format(maps.Confusion(prediction).MeanIntersectionOverUnion);
        return new($"{name}: {Path.GetFileName(prediction.Sample.Name)}, mean IoU {overlap}{shown}", jpeg);
    }
}
