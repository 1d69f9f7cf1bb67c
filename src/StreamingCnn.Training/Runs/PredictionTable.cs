using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Runs;

/// <summary>Reads predictions that <see cref="RunFolder.WritePredictions"/> wrote beside what is true.</summary>
public static class PredictionTable
{
    /// <summary>Reads a table.</summary>
    /// <param name="path">The file.</param>
    /// <param name="task">What the outputs mean.</param>
    /// <returns>
    /// The predictions, each with the loss that follows from its values; their images cannot be opened but by the files that they are
    /// named after.
    /// </returns>
    /// <exception cref="TrainingException">The file is missing, or is no such table.</exception>
    public static IReadOnlyList<Prediction> Read(string path, LearningTask task)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(task);
        return Guarded(path, table =>
        {
            var withGroup = table.HeaderRecord!.ElementAtOrDefault(1) == PredictionText.GroupColumn;
            var predictions = new List<Prediction>();
            while (table.Read())
                predictions.Add(Row(table, task, withGroup));
            return predictions;
        });
    }

    /// <summary>Reads a table of a run whose header has been read.</summary>
    /// <exception cref="TrainingException">The file is missing, or is no such table.</exception>
    internal static IReadOnlyList<Prediction> Guarded(string path, Func<CsvReader, IReadOnlyList<Prediction>> read)
    {
        try
        {
            using var file = new StreamReader(path);
            using var table = new CsvReader(file, new CsvConfiguration(CultureInfo.InvariantCulture));
            table.Read();
            table.ReadHeader();
            return read(table);
        }
        catch (Exception reason) when (reason is IOException or CsvHelperException or FormatException or UnauthorizedAccessException)
        {
            throw new TrainingException($"The predictions in '{path}' cannot be read; make them anew.", reason);
        }
    }

    /// <summary>A number of the line that has been read.</summary>
    internal static double Number(CsvReader table, int column) =>
        double.Parse(table.GetField(column)!, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static Prediction Row(CsvReader table, LearningTask task, bool withGroup)
    {
        var isClasses = task is ClassificationTask;
        var name = table.GetField(0)!;
        var first = withGroup ? 2 : 1;
        var label = isClasses ? Label(table.GetField(first)) : -1;
        double[] targets = task switch
        {
            ClassificationTask => [],
            MixedTask mixed => [.. mixed.Columns.Select((column, place) => table.GetField(first + place) is "" ? double.NaN
                : column.Task is ClassificationTask classes ? Place(classes.Outputs, table.GetField(first + place))
                : Number(first + place))],
            _ => [.. task.Outputs.Select((_, output) => Number(first + output))],
        };
        // What was called may stand before the values.
        var values = table.HeaderRecord!.Length - task.Outputs.Count;
        var sample = new TrainingSample(name, label, _ => throw new NotSupportedException())
        {
            Targets = targets,
            Group = withGroup ? table.GetField(1)! : "",
        };
        return ((ScoredTask)task).Judge(sample, [.. task.Outputs.Select((_, output) => Number(values + output))]);

        int Label(string? name) => Place(task.Outputs, name);

        static int Place(IReadOnlyList<string> names, string? name) =>
            names.Index().Where(output => output.Item == name).Select(output => (int?)output.Index).FirstOrDefault()
            ?? throw new FormatException($"'{name}' is no class");

        double Number(int column) => PredictionTable.Number(table, column);
    }
}
