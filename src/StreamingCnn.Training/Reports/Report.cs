using System.Text;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Reports;

/// <summary>Predictions on a part of the data, and how good they are.</summary>
/// <param name="Name">What the part is called, such as <c>test</c>; a part of file names.</param>
/// <param name="Evaluation">What can be said of them.</param>
public sealed record ReportPart(string Name, Evaluation Evaluation);

/// <summary>A picture of a report.</summary>
/// <param name="Caption">What it shows; a sentence or a name.</param>
/// <param name="Jpeg">The picture.</param>
public sealed record ReportPicture(string Caption, byte[] Jpeg);

/// <summary>A run, or an evaluation, for people to look at: one HTML file that needs nothing beside it, and its figures as PNG.</summary>
public sealed record Report
{
    /// <summary>Name of the folder of figures.</summary>
    public const string FigureFolder = "plots";

    /// <summary>Name of the page.</summary>
    public const string PageName = "report.html";

    /// <summary>The heading.</summary>
    public required string Title { get; init; }

    /// <summary>A line below the heading.</summary>
    /// <value>The default value is empty.</value>
    public string Subtitle { get; init; } = "";

    /// <summary>What a person should know before the numbers, in sentences.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Tables of results, above all else but the first numbers.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<ReportTable> Results { get; init; } = [];

    /// <summary>Tables of settings, data, and whatever else is to be known of the run.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<ReportTable> Tables { get; init; } = [];

    /// <summary>The epochs of a training run, as <see cref="Trainer.History"/> has them.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<EpochResult> History { get; init; } = [];

    /// <summary>Name of the score in <see cref="History"/>.</summary>
    /// <value>The default value is <c>score</c>.</value>
    public string ScoreName { get; init; } = "score";

    /// <summary>What the best epoch was chosen by.</summary>
    /// <value>The default value is null: the score.</value>
    public MonitoredMetric? Monitor { get; init; }

    /// <summary>Evaluated parts; the last one is the one that counts, and its figures stand at the top.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<ReportPart> Parts { get; init; } = [];

    /// <summary>How many of the worst predicted images of the last part to show.</summary>
    /// <value>The default value is 8.</value>
    public int WorstImages { get; init; } = 8;

    /// <summary>
    /// Makes a second picture of each of the worst predicted images, a JPEG, such as <see cref="ExplainedPicture.Of"/> does; it may give
    /// null.
    /// </summary>
    /// <value>The default value is null: one picture for each.</value>
    public Func<Prediction, byte[]?>? Explain { get; init; }

    /// <summary>Pictures of images of the last part, instead of the worst predicted ones, and what stands above them.</summary>
    /// <value>The default value is none.</value>
    public (string Title, IReadOnlyList<ReportPicture> All)? Pictures { get; init; }

    /// <summary>Writes <see cref="PageName"/> and the figures.</summary>
    /// <param name="folder">The folder; created if it is not there. Files of the same names are replaced.</param>
    /// <exception cref="WeightFileException">The folder cannot be made, or a file cannot be written.</exception>
    public void Write(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var figures = TrainingFigures.Of(History, ScoreName, Monitor).ToArray();
        var byPart = Parts.ToDictionary(part => part.Name, part => EvaluationFigures.Of(part.Name, part.Evaluation).ToArray());
        var plots = Path.Combine(folder, FigureFolder);
        OutputFolder.Make(plots);
        foreach (var figure in figures.Concat(byPart.Values.SelectMany(part => part)))
            Save(Path.Combine(plots, figure.Name + ".png"), figure.Png(FigureTheme.Light, titled: true));
        Save(Path.Combine(folder, PageName), Encoding.UTF8.GetBytes(ReportPage.Html(this, figures, byPart)));
    }

    private static void Save(string path, byte[] bytes) => AtomicFile.Write(path, file => file.Write(bytes));
}
