using System.CommandLine;
using System.Text;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Serving;
using StreamingCnn.Training.Tasks;
using TorchSharp;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn predict</c>: what a trained model says of images.</summary>
internal static class PredictCommand
{
    private enum Format
    {
        Csv,
        Json,
    }

    public static Command Create(TextWriter errors, Interruption interruption, Job job)
    {
        var model = new TrainedModelOptions();
        var images = new Argument<string[]>("images")
        {
            Description = "Images, folders of images, patterns such as \"slides/**/*.tif\", or CSV files with a column image.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string?>("--output", "-o") { Description = "File for the predictions; for models that give maps the folder for their files. Default: the standard output." };
        var format = CommonOptions.Parsed<Format?>(
            "--format",
            "csv or json. Default: json where the name of the output file ends so, otherwise csv.",
            text => Enum.TryParse<Format>(text, ignoreCase: true, out var value) && !char.IsAsciiDigit(text[0])
                ? value
                : throw new FormatException($"'{text}' is no format; write csv or json."),
            null);
        var maps = new MapOptions();
        var command = new AnnouncedCommand(
            "predict", "Predict the classes, labels or numbers of images, or maps of them, with a trained model.")
        {
            model.Weights, images, output, format, model.SplitImage,
        };
        foreach (var option in maps.All.Concat(model.All))
            command.Add(option);
        command.OutputIsData = true;
        command.IsShared = true;
        command.FirstLine = parsed => $"Predicting with {parsed.GetValue(model.Weights)}.";
        command.SetAction(parsed =>
        {
            var display = ProgressDisplay.OnErrors(job.Errors);
            using var predictor = model.Load(command, parsed, job, display);
            if (predictor.Model is StreamingMapModel)
            {
                if (parsed.GetValue(format) is not null)
                {
                    throw new ArgumentException(
                        "--format is of models that judge whole images, and this one gives maps, whose tables are CSV; leave it out.");
                }

                if (predictor.Model is StreamingMapRegressor && maps.ChosenOfNumbers(parsed) is var numbers)
                    return Maps(parsed.GetValue(output), folder => new NumberMapPrediction(predictor, folder, numbers));
                var classes = maps.Chosen(parsed);
                return Maps(parsed.GetValue(output), folder => new ClassMapPrediction(predictor, folder, classes));
            }

            if (maps.Given(parsed) is { } ofMaps)
            {
                throw new ArgumentException(
                    $"{ofMaps.Name} is of models that give maps, and this one judges whole images; leave it out.");
            }

            var files = ImageArguments.Expand(
                parsed.GetValue(images)!, note => display.Write($"Note: {note}"), predictor.Description.Preparation.Inputs);
            var path = parsed.GetValue(output);
            var chosen = parsed.GetValue(format)
                ?? (Path.GetExtension(path)?.Equals(".json", StringComparison.OrdinalIgnoreCase) == true ? Format.Json : Format.Csv);
            job.Ready();
            interruption.PassOn();
            using var notice = interruption.Token.Register(() => display.Notice("Stopping after this image; what is done is kept."));
            var done = 0;
            var failed = 0;
            // What is told of an image is told by the rank that has it.
            Action<string> tell = job.IsFirst ? display.Write : errors.WriteLine;
            var predictions = Predict(
                predictor, files, tell, error => tell($"error: {Printable.Of(error)}"), () => failed++, job, interruption.Token);
            display.Pass(files.Count, progress =>
            {
                var counted = predictions(progress).Select(prediction =>
                {
                    done++;
                    return prediction;
                });
                var lines = Lines(chosen, predictor.Description, counted);
                if (!job.IsFirst)
                    _ = lines.Count();
                else if (path is null)
                    Print(lines);
                else
                    AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(string.Concat(lines))));
                return true;
            });
            if (path is not null)
                Console.WriteLine($"{done} of {files.Count} images predicted, in {path}.");
            return job.Any(interruption.Token.IsCancellationRequested)
                ? Program.Interrupted
                : failed == 0 ? Program.Success
                : done == 0 ? Program.Failure
                : Program.Negative;

            int Maps(string? folder, Func<string, MapPrediction> make)
            {
                if (folder is null)
                    throw new ArgumentException("This model gives maps, which are files; name a folder for them by -o.");
                OutputFolder.Check(folder);
                var files = ImageArguments.Expand(
                    parsed.GetValue(images)!, note => display.Write($"Note: {note}"), predictor.Description.Preparation.Inputs);
                MapPrediction.CheckNames(files);
                OutputFolder.Make(folder);
                job.Ready();
                interruption.PassOn();
                using var notice = interruption.Token.Register(() => display.Notice("Stopping after this image; what is done is kept."));
                Action<string> tell = job.IsFirst ? display.Write : errors.WriteLine;
                var prediction = make(folder);
                var done = display.Pass(files.Count, progress => prediction.Run(
                    files, tell, error => tell($"error: {Printable.Of(error)}"), progress, job, interruption.Token));
                Console.WriteLine($"{done} of {files.Count} images predicted, in {folder}.");
                return job.Any(interruption.Token.IsCancellationRequested) ? Program.Interrupted
                    : done == files.Count ? Program.Success : done == 0 ? Program.Failure : Program.Negative;
            }
        });
        return command;
    }

    /// <summary>Predictions one by one as they are asked for; what fails is told and passed over.</summary>
    private static Func<IProgress<TrainingProgress>, IEnumerable<Prediction>> Predict(
        Predictor predictor,
        IReadOnlyList<ImageItem> files,
        Action<string> tell,
        Action<string> fail,
        Action failed,
        Job job,
        CancellationToken cancellation)
    {
        return Run;

        IEnumerable<Prediction> Run(IProgress<TrainingProgress> progress)
        {
            long pixels = 0;
            var rounds = new PredictionRounds(predictor, job, tell, (_, sentence) => fail(sentence));
            for (var done = 0; done < files.Count && !job.Any(cancellation.IsCancellationRequested);)
            {
                // Of each image of a round, whether something came out, its pixels, and that.
                var images = rounds.Next(files.Count - done);
                var width = predictor.Description.Task.Outputs.Count + 2;
                var numbers = new double[images * width];
                if (rounds.Own(files, done, images, One) is { } own)
                    own.Result.CopyTo(numbers.AsSpan(own.Place * width, width));
                rounds.Sum(numbers);
                pixels += (long)Enumerable.Range(0, images).Sum(i => numbers[(i * width) + 1]);
                progress.Report(new(0, done + images, files.Count, double.NaN, pixels));
                for (var i = 0; i < images; i++)
                {
                    if (numbers[i * width] == 0)
                        failed();
                    else
                        yield return predictor.Decide(files[done + i].Path, numbers[((i * width) + 2)..((i + 1) * width)]);
                }

                done += images;
            }
        }

        double[] One(ImageItem image, Action<string> doubt)
        {
            var (values, size) = predictor.Judge(image, doubt);
            return [1, size, .. values];
        }
    }

    /// <summary>The output piece by piece, so that each prediction can be printed as it comes.</summary>
    private static IEnumerable<string> Lines(Format format, ModelDescription description, IEnumerable<Prediction> predictions)
    {
        var task = description.Task;
        if (format == Format.Csv)
        {
            yield return PredictionText.CsvHeader(task, withTruth: false, withCalled: description.Decision.Point is not null) + "\n";
            foreach (var prediction in predictions)
                yield return PredictionText.CsvLine(task, prediction, withTruth: false) + "\n";
            yield break;
        }

        yield return "[";
        var separator = "\n  ";
        foreach (var prediction in predictions)
        {
            yield return separator + PredictionText.Json(task, prediction);
            separator = ",\n  ";
        }

        yield return "\n]\n";
    }

    private static void Print(IEnumerable<string> pieces)
    {
        foreach (var piece in pieces)
        {
            // What is read by another program, or kept, is what it is.
            Console.Write(Console.IsOutputRedirected ? piece : Printable.Of(piece));
            Console.Out.Flush();
        }
    }
}
