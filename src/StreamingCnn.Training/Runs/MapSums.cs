using System.Text;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Runs;

/// <summary>
/// Predicted maps as a table of what was counted and added up over each image's pixels: all that the metrics of any set of images follow
/// from. Of classes it is the confusion matrix, of numbers what <see cref="MapErrors"/> holds.
/// </summary>
public static class MapSums
{
    private const int ValuesFrom = 3;

    /// <summary>Writes a table: image, group, loss, and a column for each of <see cref="Prediction.Values"/>.</summary>
    /// <param name="path">The file; replaced in one step.</param>
    /// <param name="task">What the sums are of.</param>
    /// <param name="predictions">The predictions.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Write(string path, MapTask task, IEnumerable<Prediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(predictions);
        string[] header = [PredictionText.ImageColumn, PredictionText.GroupColumn, "loss", .. Columns(task)];
        var lines = predictions.Select(prediction => (string[])
        [
            prediction.Sample.Name, prediction.Sample.Group, PredictionText.Number(prediction.Loss),
            .. prediction.Values.Select(PredictionText.Number),
        ]);
        var text = string.Concat(lines.Prepend(header).Select(line => string.Join(',', line.Select(PredictionText.Quote)) + "\n"));
        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Reads a table.</summary>
    /// <param name="path">The file.</param>
    /// <param name="task">What the sums are of.</param>
    /// <returns>The predictions, whose images and masks cannot be opened.</returns>
    /// <exception cref="TrainingException">The file is missing, or is no such table of this task.</exception>
    public static IReadOnlyList<Prediction> Read(string path, MapTask task)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(task);
        return PredictionTable.Guarded(path, table =>
        {
            if (!table.HeaderRecord!.Skip(ValuesFrom).SequenceEqual(Columns(task)))
                throw new FormatException("its columns are not those of the task");
            var predictions = new List<Prediction>();
            while (table.Read())
            {
                var sample = new TrainingSample(table.GetField(0)!, -1, _ => throw new NotSupportedException())
                {
                    Group = table.GetField(1)!,
                };
                var read = new Prediction(
                    sample, [.. Enumerable.Range(ValuesFrom, task.ValueCount).Select(Value)], Value(ValuesFrom - 1));
                predictions.Add(read with { Sample = sample with { Targets = Targets(task, read) } });
            }

            return predictions;

            double Value(int column) => PredictionTable.Number(table, column);
        });
    }

    private static IEnumerable<string> Columns(MapTask task) => task switch
    {
        SegmentationTask => task.Outputs.SelectMany(_ => task.Outputs, (actual, called) => $"{actual} as {called}"),
        MapRegressionTask => task.Outputs.SelectMany(_ => MapErrors.Names, (number, sum) => $"{sum} of {number}"),
        _ => throw new ArgumentException($"There are no sums of {task.Kind}.", nameof(task)),
    };

    // As of samples of such tasks: pixels of each class, the mean of each number.
    private static double[] Targets(MapTask task, Prediction prediction) => task switch
    {
        SegmentationTask classes when classes.Confusion(prediction) is var confusion =>
            [.. task.Outputs.Select((_, label) => confusion.Actual(label))],
        MapRegressionTask numbers => [.. numbers.Errors(prediction).Select(errors => errors.TrueMean)],
        _ => [],
    };
}
