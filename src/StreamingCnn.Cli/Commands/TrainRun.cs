using System.Diagnostics;
using System.Globalization;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Distributed;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Commands;

/// <summary>What to train on, and what the model is to be.</summary>
internal sealed record TrainingSet(
    ModelDescription Description,
    IReadOnlyList<TrainingSample> Training,
    IReadOnlyList<TrainingSample> Validation,
    IReadOnlyList<TrainingSample> Test,
    (long Height, long Width) LargestSize)
{
    /// <summary>Height and width in pixels of the part of each image that is trained on; null for whole images.</summary>
    public (long Height, long Width)? Crop { get; init; }

    /// <summary>All images with their sizes; empty where they are made on the spot.</summary>
    public IReadOnlyList<SizedImage> Sizes { get; init; } = [];

    /// <summary>The table or folder that lists them.</summary>
    public string Path { get; init; } = "";

    /// <summary>What the best epoch is chosen by; null for the score.</summary>
    public string? Monitor { get; init; }

    /// <summary>What the operating point is for; null for none.</summary>
    public OperatingRule? OperatingRule { get; init; }

    /// <summary>Whether probabilities are calibrated.</summary>
    public bool IsCalibrated { get; init; }

    /// <summary>What a person should know of the images, in sentences.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>How pixels are scaled.</summary>
    public PixelScaling Scaling { get; init; } = PixelScaling.Symmetric;

    /// <summary>Images that the report shows as predicted worst.</summary>
    public int Worst { get; init; }

    /// <summary>Folder that gets the run in MLflow's layout; null for none.</summary>
    public string? Mlflow { get; init; }
}

/// <summary>A training run from its first epoch, or the one at which it was interrupted, to its report.</summary>
internal sealed class TrainRun(
    Trainer trainer,
    TrainableModel model,
    TrainingSet set,
    RunFolder run,
    int epochs,
    ProgressDisplay display,
    Interruption interruption,
    Job job)
{
    private readonly LearningTask task = set.Description.Task;
    private readonly TensorBoardLog tensorBoard = new(run.Path);
    private readonly MlflowLog? mlflow = set.Mlflow is { } store && job.IsFirst
        ? new(store, run.Path, File.GetLastWriteTimeUtc(run.Options), OptionFile.Settings(run.Options)) : null;
    private readonly MonitoredMetric? monitor = set.Monitor is { } name ? MonitoredMetric.Of(set.Description.Task, name) : null;
    private readonly List<(string Name, Evaluation Before, Evaluation After)> judged = [];
    private DecisionRule decision = DecisionRule.None;

    /// <summary>The command that goes on. An assembly has to be named each time.</summary>
    private string Resumption =>
        $"scnn train --resume {run.Path}{(TrunkSource.IsOwn(set.Description.Trunk) ? $" --model {set.Description.Trunk}" : "")}";

    /// <summary>Trains, evaluates and reports.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        var clock = Stopwatch.StartNew();
        if (!Train())
        {
            interruption.EndWith($"Stopped; go on with: {Resumption}");
            Report([]);
            mlflow?.End(isFinished: false, trainer.History.Count, [], run.File(RunFolder.ReportName));
            Say($"Stopped after {clock.Elapsed.TotalSeconds:0} s; go on with: {Resumption}");
            return Program.Interrupted;
        }

        interruption.EndWith($"Stopped before the report; go on with: {Resumption}");
        var parts = Evaluate();
        var isReported = Report(parts);
        mlflow?.End(
            isFinished: true,
            trainer.History.Count,
            parts.SelectMany(part => part.Evaluation.Metrics.Select(metric => (part.Name, metric))),
            run.File(RunFolder.ReportName));
        Say($"Done after {clock.Elapsed.TotalSeconds:0} s. Weights{(isReported ? $", metrics and {RunFolder.ReportName}" : " and metrics")} in {run.Path}.");
        return Program.Success;
    }

    /// <summary>Trains all epochs that are left.</summary>
    /// <returns>Whether it came to the end; false when a person stopped it.</returns>
    private bool Train()
    {
        // A launcher stops the others when one has died, and does not wait for long.
        var stopping = job.IsShared
            ? $"Stopping; go on with: {Resumption}"
            : "Stopping after this image; once more to stop at once and lose it.";
        using var notice = interruption.Token.Register(() => display.Notice(stopping));
        try
        {
            // A run that was killed after its checkpoint may lack what is written next.
            if (trainer.IsBetweenEpochs)
                SaveEpoch();
            var start = new TrainingProgress(trainer.History.Count + 1, 0, set.Training.Count, double.NaN, 0);
            display.Train(epochs, task.ScoreName, start, progress =>
                trainer.Fit(set.Training, set.Validation, progress, interruption.Token), SaveEpoch, monitor);
        }
        catch (WeightFileException failure) when (File.Exists(run.Checkpoint))
        {
            throw new WeightFileException($"{failure.Message.TrimEnd('.')}. When that is mended, go on with: {Resumption}", failure);
        }

        return !job.Any(interruption.Token.IsCancellationRequested);
    }

    private void SaveEpoch()
    {
        if (!job.IsFirst)
            return;
        var metadata = set.Description.ToMetadata();
        MetricsFile.Write(run.Metrics, task.ScoreName, trainer.History, monitor);
        trainer.SaveWeights(run.LastWeights, metadata);
        if (trainer.IsBest)
            trainer.SaveWeights(run.BestWeights, metadata);
        tensorBoard.Append(task.ScoreName, trainer.History[^1]);
        mlflow?.Append(task.ScoreName, trainer.History[^1]);
    }

    private List<ReportPart> Evaluate()
    {
        var parts = new List<ReportPart>();
        // A run without a name has one on the first rank alone.
        WeightFile.Load(model, job.Ranks.Broadcast(Path.GetFullPath(run.BestWeights), 0));
        foreach (var (name, part) in new[] { ("validation", set.Validation), ("test", set.Test) })
        {
            if (part.Count == 0)
                continue;
            var predictions = display.Pass(part.Count, progress => ImageModel.Predict(model, task, part, progress, job.Ranks));
            if (!job.IsFirst)
                continue;
            var before = predictions;
            if (parts.Count == 0 && part == set.Validation)
                Decide(predictions);
            predictions = decision.Apply(task, predictions);
            RunFolder.WritePredictions(run.File($"{name}.csv"), task, predictions, withTruth: true);
            if (task is MapTask maps)
                MapSums.Write(run.File($"{name}-sums.csv"), maps, predictions);
            var evaluation = new Evaluation(task, predictions);
            if (decision != DecisionRule.None)
                judged.Add((name, new(task, before, new() { Resamples = 0 }), evaluation));
            evaluation.WriteMetrics(run.File($"{name}-metrics.csv"));
            parts.Add(new(name, evaluation));
            var chance = task is ClassificationTask
                ? string.Create(CultureInfo.InvariantCulture, $"; chance is {1.0 / task.Outputs.Count:0.000}")
                : "";
            Say($"{char.ToUpperInvariant(name[0])}{name[1..]} {task.ScoreName} of the best weights {task.Score(predictions):0.000}{chance}.");
            if (evaluation.Metrics[0] is var first && first.Name != task.ScoreName)
                Say($"{char.ToUpperInvariant(name[0])}{name[1..]} {first}.");
        }

        return parts;
    }

    /// <summary>Chooses what was asked for by the validation images, and keeps it with the best weights.</summary>
    private void Decide(IReadOnlyList<Prediction> predictions)
    {
        if (set.OperatingRule is null && !set.IsCalibrated)
            return;
        decision = DecisionRule.Choose(task, predictions, set.IsCalibrated, set.OperatingRule);
        WeightFile.Save(model, run.BestWeights, (set.Description with { Decision = decision }).ToMetadata());
        if (set.IsCalibrated)
            Say($"Scores are divided by {decision.Temperature:0.000}, fitted on the validation images.");
        if (decision.Point is { } point)
        {
            var thresholds = (task is ClassificationTask ? [point.Thresholds[1]] : point.Thresholds)
                .Select(threshold => threshold.ToString("0.000", CultureInfo.InvariantCulture));
            Say($"Called from {string.Join(", ", thresholds)} on, chosen on the validation images for {point.Rule}.");
        }
    }

    /// <summary>Writes the report.</summary>
    /// <returns>Whether it is there; false where figures cannot be drawn.</returns>
    private bool Report(List<ReportPart> parts)
    {
        if (!job.IsFirst)
            return false;
        try
        {
            WriteReport(parts);
            return true;
        }
        catch (Exception reason) when (reason is TypeInitializationException or DllNotFoundException)
        {
            // All that a run is for has been written already.
            Say($"There are no plots and no {RunFolder.ReportName}, since the library that draws cannot be loaded here: {(reason.InnerException ?? reason).Message.Split('\n')[0]}");
            return false;
        }
    }

    private void WriteReport(List<ReportPart> parts)
    {
        var settings = OptionFile.Settings(run.Options);
        new Report
        {
            Title = $"Run {Path.GetFileName(Path.TrimEndingDirectorySeparator(run.Path))}",
            Subtitle = $"{set.Description.Trunk}, {task.Kind}: {string.Join(", ", task.Outputs.Take(12))}{(task.Outputs.Count > 12 ? ", ..." : "")}; {trainer.History.Count} of {epochs} epochs",
            Tables = [
                ReportTable.OfData(task, ("training", set.Training), ("validation", set.Validation), ("test", set.Test)),
                ReportTable.OfSettings("Settings", settings)
            ],
            Notes = set.Notes,
            Results = DecisionTables.Of(task, decision, judged),
            Monitor = monitor,
            History = trainer.History,
            ScoreName = task.ScoreName,
            Parts = parts,
            WorstImages = set.Worst,
            Explain = ExplainedPicture.Of(model, task),
            Pictures = parts.Count == 0 ? null : MapPictures.Of(model, task, parts[^1].Evaluation.Predictions),
        }.Write(run.Path);
    }

    private static void Say(FormattableString text) => Console.WriteLine(Printable.Of(text.ToString(CultureInfo.InvariantCulture)));
}
