using StreamingCnn.Imaging;
using StreamingCnn.Training.Saliency;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Reports;

/// <summary>A small picture of an image with what in it spoke for the model's answer, by class activation: what misled it.</summary>
public static class ExplainedPicture
{
    /// <summary>Makes such pictures for a report.</summary>
    /// <param name="model">The model; left in evaluation mode.</param>
    /// <param name="task">What its outputs mean.</param>
    /// <returns>
    /// Gives a JPEG, or null where an image cannot be opened or is cropped; null where the model gives maps itself, or where several
    /// processes have a part of each image.
    /// </returns>
    public static Func<Prediction, byte[]?>? Of(TrainableModel model, LearningTask task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return model is StreamingClassifier { Options.SplitOver: not { Size: > 1 } } classifier && task is ScoredTask
            ? prediction => Jpeg(classifier, task, prediction) : null;
    }

    /// <summary>
    /// The output that is explained: of classes the one that was called, of labels and numbers the one that is furthest off, of columns of
    /// different kinds that of the column with the greatest loss.
    /// </summary>
    internal static int Target(LearningTask task, Prediction prediction)
    {
        switch (task)
        {
            case ClassificationTask:
                return ClassificationTask.Predicted(prediction);
            case MixedTask mixed:
                var (worst, place) = Enumerable.Range(0, mixed.Columns.Count).Where(place => MixedTask.Has(prediction.Sample, place))
                    .Select(place => (mixed.Of(prediction, place), place)).MaxBy(one => mixed.Columns[one.place].Weight * one.Item1.Loss);
                return mixed.First(place) + Target(mixed.Columns[place].Task, worst);
            default:
                return prediction.Values.Zip(prediction.Sample.Targets, (value, target) => Math.Abs(value - target)).Index()
                    .MaxBy(one => one.Item).Index;
        }
    }

    private static byte[]? Jpeg(StreamingClassifier model, LearningTask task, Prediction prediction)
    {
        if (prediction.Sample.IsCropped)
            return null;
        try
        {
            using var photograph = SamplePicture.Source(prediction.Sample);
            if (photograph is null)
                return null;
            using var image = prediction.Sample.Open(0);
            using var map = SaliencyMap.Compute(
                model, image, new() { Method = SaliencyMethod.ClassActivation, Target = Target(task, prediction) });
            return Overlay.Jpeg(map, photograph, SamplePicture.Side);
        }
        catch (Exception missing) when (missing
            is ImageFormatException or IOException or NotSupportedException or UnauthorizedAccessException or TrainingException)
        {
            // A report without a picture is better than none.
            return null;
        }
    }
}
