using System.Text;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Training.Runs;

/// <summary>The files of a run, all in one folder.</summary>
/// <param name="Path">The folder.</param>
public sealed record RunFolder(string Path)
{
    /// <summary>The options that the run was started with.</summary>
    public string Options => File("options.json");

    /// <summary>All that is needed to go on where the run was interrupted.</summary>
    public string Checkpoint => File("checkpoint.safetensors");

    /// <summary>The weights with the best score on the validation images; of equal scores, those with the lowest loss.</summary>
    public string BestWeights => File("best.safetensors");

    /// <summary>The weights after the last epoch.</summary>
    public string LastWeights => File("last.safetensors");

    /// <summary>The network that the trunk was made of, where that was a file of ONNX.</summary>
    public string Network => File("model.onnx");

    /// <summary>A line for each epoch.</summary>
    public string Metrics => File("metrics.csv");

    // The empty name is that of trying whether the folder takes files.
    private static readonly HashSet<string> OwnFiles =
    [
        "", "options.json", "checkpoint.safetensors", "best.safetensors", "last.safetensors", "metrics.csv", "model.onnx", ReportName,
        "validation.csv", "validation-metrics.csv", "validation-sums.csv", "test.csv", "test-metrics.csv", "test-sums.csv", "folds.csv",
        "predictions.csv",
    ];

    /// <summary>Name of the page that shows the run.</summary>
    public const string ReportName = Reports.Report.PageName;

    /// <summary>Whether a run has been started in the folder.</summary>
    public bool Exists => System.IO.File.Exists(Options);

    /// <summary>The path of a file in the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The file of weights that a person means: a file itself, or the best weights of a run's folder.</summary>
    /// <exception cref="WeightFileException">There is no such file, and the folder holds none.</exception>
    public static string WeightsOf(string path)
    {
        if (!Directory.Exists(path))
            return path;
        var run = new RunFolder(path);
        return new[] { run.BestWeights, run.LastWeights }.FirstOrDefault(System.IO.File.Exists)
            ?? throw new WeightFileException(
                $"The folder '{path}' holds no weights; name the folder of a run that has finished an epoch, or a file of weights.");
    }

    /// <summary>Writes predictions as a table: image, label where there is one, and a column for each output.</summary>
    /// <param name="path">The file; replaced in one step.</param>
    /// <param name="task">What the outputs mean.</param>
    /// <param name="predictions">The predictions.</param>
    /// <param name="withTruth">Whether to write what is true beside them.</param>
    public static void WritePredictions(string path, Tasks.LearningTask task, IEnumerable<Prediction> predictions, bool withTruth)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(predictions);
        var all = predictions.ToArray();
        var withGroup = all.Any(prediction => prediction.Sample.Group.Length > 0);
        var lines = all.Select(prediction => PredictionText.CsvLine(task, prediction, withTruth, withGroup))
            .Prepend(PredictionText.CsvHeader(task, withTruth, withGroup, all.Any(prediction => prediction.Thresholds is not null)));
        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")))));
    }

    /// <summary>Removes what was left of the run's own files that were being written when it was killed, and nothing else.</summary>
    /// <remarks>The run must be the only one in its folder; see <see cref="FolderLock"/>.</remarks>
    public void RemoveUnfinished()
    {
        AtomicFile.RemoveUnfinished(Path, name => OwnFiles.Contains(name));
        var figures = new DirectoryInfo(File(Reports.Report.FigureFolder));
        if (figures is { Exists: true, LinkTarget: null })
            AtomicFile.RemoveUnfinished(figures.FullName, name => name.EndsWith(".png", StringComparison.Ordinal));
    }
}
