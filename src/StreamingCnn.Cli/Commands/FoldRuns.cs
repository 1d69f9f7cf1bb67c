using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Training;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Commands;

/// <summary>
/// A cross-validation: for each fold a run of its own in a folder of its own, which can be looked at, used and resumed as any other,
/// and a report on all of them together.
/// </summary>
/// <param name="given">The command line.</param>
/// <param name="model">The model; one of a person's own has to be named to each run.</param>
/// <param name="run">The folder of all of them, which holds their options.</param>
/// <param name="folds">How many there are.</param>
/// <param name="isResumed">Whether it has been begun before.</param>
internal sealed class FoldRuns(ParseResult given, string model, RunFolder run, int folds, bool isResumed)
{
    private const string Resume = "--resume";
    private const string Part = "test";

    /// <summary>Looks at the first fold.</summary>
    public static int Dry(ParseResult given) => Invoke(given, [.. Words(given), "--fold", "1"]);

    /// <summary>Trains the folds that are not done, and reports on all.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        for (var fold = 1; fold <= folds; fold++)
        {
            if (IsDone(Folder(fold)) && isResumed && Words(given) is ["train", Resume, _])
                continue;
            var outcome = Invoke(given, Arguments(fold));
            if (outcome == Program.Interrupted)
                Say($"Stopped in fold {fold} of {folds}; go on with all by: scnn train --resume {run.Path}{(TrunkSource.IsOwn(model) ? $" --model {model}" : "")}");
            if (outcome != Program.Success)
                return outcome;
        }

        Report();
        return Program.Success;
    }

    // What it writes last.
    private static bool IsDone(RunFolder fold) => File.Exists(fold.File($"{Part}-metrics.csv"));

    private RunFolder Folder(int fold) => new(run.File(string.Create(CultureInfo.InvariantCulture, $"fold-{fold}")));

    /// <summary>
    /// The command line of one fold. What the folds share stands in the options of all; what was given anew counts for each.
    /// </summary>
    private string[] Arguments(int fold)
    {
        var folder = Folder(fold);
        string[] own = TrunkSource.IsOwn(model) ? ["--model", model] : [];
        var words = Words(given);
        var place = Array.IndexOf(words, Resume);
        if (folder.Exists)
            return [.. words[..(place + 1)], folder.Path, .. words[(place + 2)..]];
        string[] anew = isResumed ? [.. words[1..place], .. words[(place + 2)..]] : own;
        return ["train", "--config", run.Options, "--fold", fold.ToString(CultureInfo.InvariantCulture), "--output", folder.Path, .. anew];
    }

    private static string[] Words(ParseResult given) => [.. given.Tokens.Select(token => token.Value)];

    private static int Invoke(ParseResult given, string[] arguments) =>
        given.RootCommandResult.Command.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null })
            .Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });

    private void Report()
    {
        var description = ModelDescription.Read(RunFolder.WeightsOf(Folder(1).Path));
        var task = description.Task;
        var predictions = Enumerable.Range(1, folds).Select(Predictions).ToArray();
        var evaluation = new FoldEvaluation(task, predictions);
        RunFolder.WritePredictions(run.File("predictions.csv"), task, evaluation.Pooled.Predictions, withTruth: true);
        evaluation.WriteMetrics(run.File("folds.csv"));
        Say($"All {folds} folds, {evaluation.Pooled.Predictions.Count} images, pooled (and the mean of the folds ± their deviation):");
        var width = evaluation.Pooled.Metrics.Max(metric => metric.Name.Length);
        foreach (var (i, metric) in evaluation.Pooled.Metrics.Index())
        {
            var ofFolds = FormattableString.Invariant($"{Metric.Format(evaluation.Mean(i))} ± {Metric.Format(evaluation.Deviation(i))}");
            Say($"  {metric.Name.PadRight(width)}  {metric.ValueText,11}  {metric.Interval?.ToString() ?? "",-18}  ({ofFolds})");
        }

        if (evaluation.Pooled.IntervalNote is { Length: > 0 } note)
            Say($"{note}");
        new Report
        {
            Title = $"Run {Path.GetFileName(Path.TrimEndingDirectorySeparator(run.Path))}: {folds} folds",
            Subtitle =
                $"{description.Trunk}, {task.Kind}: {string.Join(", ", task.Outputs.Take(12))}{(task.Outputs.Count > 12 ? ", ..." : "")}",
            Results = [ReportTable.OfFolds(evaluation)],
            Tables =
            [
                ReportTable.OfData(task,
                    [.. predictions.Select((fold, i) =>
                        ($"fold {i + 1}", (IReadOnlyList<TrainingSample>)[.. fold.Select(prediction => prediction.Sample)]))]),
                ReportTable.OfSettings("Settings", OptionFile.Settings(run.Options)),
            ],
            Parts = [new("pooled", evaluation.Pooled)],
        }.Write(run.Path);
        Say($"Done: {folds} folds. Predictions, folds.csv and {RunFolder.ReportName} in {run.Path}.");
    }

    /// <summary>The predictions of a fold, called as its own model calls them.</summary>
    private IReadOnlyList<Prediction> Predictions(int fold)
    {
        var description = ModelDescription.Read(RunFolder.WeightsOf(Folder(fold).Path));
        if (description.Task is MapTask maps)
            return MapSums.Read(Folder(fold).File($"{Part}-sums.csv"), maps);
        var predictions = PredictionTable.Read(Folder(fold).File($"{Part}.csv"), description.Task);
        return description.Decision.Point?.Apply(predictions) ?? predictions;
    }

    private static void Say(FormattableString text) => Console.WriteLine(Printable.Of(text.ToString(CultureInfo.InvariantCulture)));
}
