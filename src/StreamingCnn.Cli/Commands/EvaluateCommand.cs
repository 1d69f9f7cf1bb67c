using System.CommandLine;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn evaluate</c>: how good a trained model is on labelled images.</summary>
internal static class EvaluateCommand
{
    private const string DefaultFolder = "evaluation";

    public static Command Create(Job job)
    {
        var weights = new Argument<string>("model") { Description = "Folder of a run, or a file of weights that training wrote." };
        var data = new Argument<string>("data")
        {
            Description = "CSV file with the columns image,label, or image,mask for a model of maps (paths relative to the file; optional column split), or a folder with one folder of images for each class.",
        };
        var part = CommonOptions.Parsed<string?>(
            "--part",
            $"Part of the data by the column split: {string.Join(", ", ImagesToJudge.Parts)}. Default: test where the file has such a part, otherwise all.",
            text => ImagesToJudge.Parts.Contains(text)
                ? text
                : throw new FormatException($"'{text}' is no part of a data set; write one of {string.Join(", ", ImagesToJudge.Parts)}."),
            null);
        var labels = CommonOptions.Several(
            "--labels", "Label columns of the CSV file, separated by commas. Default: label for classes, otherwise the columns that the model was trained on.", text => text, null);
        var group = new Option<string?>("--group")
        {
            Description =
                "Column of the CSV file that says what an image belongs to, such as a patient; intervals come from drawing groups. "
                + "Default: the one that the model was trained with, where the file has it.",
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description =
                $"Folder for predictions.csv, metrics.csv, plots and report.html. Default: the folder {DefaultFolder} beside the weights.",
        };
        var resolution = CommonOptions.ResolutionOfFiles("Default: the column mpp where the CSV file has one, otherwise as in training.");
        var resamples = CommonOptions.Number(
            "--resamples",
            "Resamples of the bootstrap that gives the confidence intervals; 0 for no intervals.",
            new EvaluationOptions().Resamples,
            0);
        var worst = CommonOptions.Worst();
        var seed = CommonOptions.Number("--seed", "Seed of the bootstrap.", new EvaluationOptions().Seed, 0);
        var (own, tile, memory) = (CommonOptions.OwnModule(), CommonOptions.Tile(), CommonOptions.Memory());
        var (device, split) = (CommonOptions.Device(), CommonOptions.SplitImage());
        var bands = CommonOptions.BandsOfModel();
        var judging = new JudgingOptions();
        var command = new AnnouncedCommand(
            "evaluate",
            "Judge a trained model on labelled images: metrics with confidence intervals, plots, and a report.")
        {
            weights, data, part, labels, group, bands, resolution, output, own, tile, memory, device, split, worst, resamples, seed,
        };
        foreach (var option in judging.All)
            command.Add(option);
        command.FirstLine = parsed => $"Judging {parsed.GetValue(weights)} on {parsed.GetValue(data)}.";
        command.IsShared = true;
        command.SetAction(parsed =>
        {
            var isTiled = parsed.GetValue(tile) is not null;
            var place = Placement.Of(command, parsed, device, job, parsed.GetValue(memory) is null && !isTiled);
            var file = RunFolder.WeightsOf(parsed.GetValue(weights)!);
            var display = ProgressDisplay.OnErrors(job.Errors);
            var (model, description) = ModelDescription.LoadModel(
                file,
                new StreamingOptions
                {
                    Tile = parsed.GetValue(tile),
                    MemoryBudget = job.MemoryBudget(parsed.GetValue(memory), isTiled),
                    Progress = display,
                    SplitOver = parsed.GetValue(split) ? job.Ranks : null,
                },
                parsed.GetValue(own));
            using (model)
            {
                model.to(place);
                var preparation = description.Preparation.WithBands(parsed.GetValue(bands));
                var folder = parsed.GetValue(output) ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, DefaultFolder);
                OutputFolder.Check(folder);
                var task = JudgedBy(judging, description.Task, model, parsed, job);
                var columns = parsed.GetValue(labels) is { Length: > 0 } named ? named : null;
                var (samples, chosen) = ImagesToJudge.Read(
                    parsed.GetValue(data)!,
                    task,
                    preparation.For(parsed.GetValue(resolution)),
                    columns,
                    parsed.GetValue(part),
                    note => Console.WriteLine(Printable.Of($"Note: {note}.")),
                    parsed.GetValue(group) is { } column ? (column, true) : description.Group is { } trained ? (trained, false) : null);
                job.Ready();
                var views = judging.Average(parsed);
                Action<IImageSource, IMapSink>? run = views == MapAverage.None
                    ? null
                    : (image, sink) => AveragedMap.Run(((StreamingMapModel)model).Run, image, sink, task.Outputs.Count, views);
                var predictions = display.Pass(samples.Count, progress => run is null
                    ? ImageModel.Predict(model, task, samples, progress, job.Ranks)
                    : OfMaps(model, run, (SegmentationTask)task, samples, progress));
                if (!job.IsFirst)
                    return Program.Success;
                predictions = description.Decision.Apply(task, predictions);
                if (run is null && task is SegmentationTask { Judging.IsAny: true } maps)
                {
                    Console.WriteLine("Objects and boundaries are looked for in a second pass over the images.");
                    predictions = display.Pass(
                        samples.Count, progress => WithFindings((StreamingSegmenter)model, maps, predictions, progress));
                }

                var evaluation = new Evaluation(
                    task, predictions, new() { Resamples = parsed.GetValue(resamples), Seed = parsed.GetValue(seed) });

                // Of two evaluations into one folder the last one's files are there in the end, all of them.
                using var hold = FolderLock.Take(folder, TimeSpan.FromMinutes(10));
                RunFolder.WritePredictions(Path.Combine(folder, "predictions.csv"), task, predictions, withTruth: true);
                evaluation.WriteMetrics(Path.Combine(folder, "metrics.csv"));
                Console.WriteLine(
                    $"{samples.Count} images, {(chosen == "all" ? "all of" : $"the part {chosen} of")} {parsed.GetValue(data)}");
                foreach (var line in Table(evaluation))
                    Console.WriteLine(line);
                new Report
                {
                    Title = $"Evaluation of {parsed.GetValue(weights)}",
                    Subtitle = $"{description.Trunk} on {parsed.GetValue(data)}, {(chosen == "all" ? "all images" : $"part {chosen}")}",
                    Tables =
                    [
                        ReportTable.OfData(task, (chosen, samples)),
                        ReportTable.OfSettings(
                            "Model", [
                                new("weights", file),
                                .. description.ToMetadata().Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Replace("\n", ", ")))
                            ]),
                    ],
                    Parts = [new(chosen, evaluation)],
                    WorstImages = parsed.GetValue(worst),
                    Explain = ExplainedPicture.Of(model, task),
                    Pictures = MapPictures.Of(
                        model, task, predictions, run, parsed.GetResult(worst) is { Implicit: false } ? parsed.GetValue(worst) : 1),
                }.Write(folder);
                Console.WriteLine($"Predictions, metrics, plots and {Report.PageName} in {folder}.");
            }

            return Program.Success;
        });
        return command;
    }

    /// <summary>The task as it is to be judged.</summary>
    private static LearningTask JudgedBy(JudgingOptions options, LearningTask task, TrainableModel model, ParseResult parsed, Job job)
    {
        if (options.Given(parsed) is not { } given)
            return task;
        if (task is not SegmentationTask maps)
            throw new ArgumentException($"{given.Name} is of models that give maps of classes, and this one does not; leave it out.");
        var chosen = options.Of(parsed);
        var isShared = job.IsShared || model.Options.SplitOver is { Size: > 1 };
        if (chosen.IsAny && isShared)
            throw new ArgumentException("--overlap and --boundary-tolerance follow regions from row to row through whole maps, which one process has; start it without mpirun or srun.");
        if (options.Average(parsed) != MapAverage.None && isShared)
            throw new ArgumentException("--average takes the mean over mirror images of each image, which one process does; start it without mpirun or srun.");
        return maps.JudgedBy(chosen, options.BoxCore(parsed));
    }

    /// <summary>Judges maps that are not the model's own: pixels, objects and boundaries in one pass.</summary>
    private static List<Prediction> OfMaps(
        TrainableModel model,
        Action<IImageSource, IMapSink> run,
        SegmentationTask task,
        IReadOnlyList<TrainingSample> samples,
        IProgress<TrainingProgress> progress)
    {
        model.eval();
        using var grad = no_grad();
        var judged = new List<Prediction>(samples.Count);
        var (pixels, loss) = (0L, 0.0);
        foreach (var sample in samples)
        {
            var (prediction, size) = PixelJudge.Predict(run, task, sample);
            judged.Add(prediction);
            (pixels, loss) = (pixels + size, loss + prediction.Loss);
            progress.Report(new(0, judged.Count, samples.Count, loss / judged.Count, pixels));
        }

        return judged;
    }

    private static List<Prediction> WithFindings(
        StreamingSegmenter model, SegmentationTask task, IReadOnlyList<Prediction> predictions, IProgress<TrainingProgress> progress)
    {
        using var grad = no_grad();
        var judged = new List<Prediction>(predictions.Count);
        var pixels = 0L;
        foreach (var prediction in predictions)
        {
            judged.Add(prediction with { Findings = MapJudge.Of(model.Run, task, prediction.Sample) });
            pixels += (long)task.Confusion(prediction).Total;
            progress.Report(new(0, judged.Count, predictions.Count, double.NaN, pixels));
        }

        return judged;
    }

    private static IEnumerable<string> Table(Evaluation evaluation)
    {
        var width = evaluation.Metrics.Max(metric => metric.Name.Length);
        foreach (var metric in evaluation.Metrics)
            yield return $"  {metric.Name.PadRight(width)}  {metric.ValueText,11}  {metric.Interval}".TrimEnd();
        if (evaluation.IntervalNote.Length > 0)
            yield return evaluation.IntervalNote;
    }
}
