using System.CommandLine;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Serving;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn features</c>: what a trained trunk makes of images, as arrays for other programs.</summary>
internal static class FeaturesCommand
{
    public static Command Create(TextWriter errors, Interruption interruption, Job job)
    {
        var model = new TrainedModelOptions();
        var images = new Argument<string[]>("images")
        {
            Description = "Images, folders of images, patterns such as \"slides/**/*.tif\", or CSV files with a column image.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder for NAME.features.npy and NAME.features.csv of each image, or with --pooled for features.npy and "
                + "features.csv; made where it does not exist.",
            Required = true,
        };
        var pooled = new Option<bool>("--pooled")
        {
            Description = "One vector for each image, what the model's head pools of the map, instead of the map of the trunk's features.",
        };
        var command = new AnnouncedCommand(
            "features",
            "Write what a trained model's trunk makes of images: a map of features or a vector as NumPy array, with coordinates as CSV.")
        {
            model.Weights, images, output, pooled,
        };
        foreach (var option in model.All)
            command.Add(option);
        command.FirstLine = parsed => $"Computing features with {parsed.GetValue(model.Weights)}.";
        command.SetAction(parsed =>
        {
            var folder = parsed.GetValue(output)!;
            OutputFolder.Check(folder);
            var display = ProgressDisplay.OnErrors(errors);
            using var predictor = model.Load(command, parsed, job, display);
            if (predictor.Model is not StreamingClassifier)
            {
                throw new ArgumentException(
                    "This model gives maps, and features are those of models that judge whole images; take another model.");
            }

            var files = ImageArguments.Expand(
                parsed.GetValue(images)!, note => display.Write($"Note: {note}"), predictor.Description.Preparation.Inputs);
            var isPooled = parsed.GetValue(pooled);
            if (!isPooled)
                MapPrediction.CheckNames(files);
            OutputFolder.Make(folder);
            interruption.PassOn();
            using var notice = interruption.Token.Register(() => display.Notice("Stopping after this image; what is done is kept."));
            var told = new HashSet<string>(StringComparer.Ordinal);
            using var table = isPooled ? new FeatureTable(Path.Combine(folder, "features.npy")) : null;
            var done = display.Pass(files.Count, progress =>
            {
                var (succeeded, pixels) = (0, 0L);
                foreach (var (i, file) in files.Index())
                {
                    if (interruption.Token.IsCancellationRequested)
                        break;
                    try
                    {
                        pixels += One(file);
                        succeeded++;
                    }
                    catch (PredictionException failure)
                    {
                        display.Write($"error: {Printable.Of($"Image '{file.Path}' has no features: {failure.Message}")}");
                    }

                    progress.Report(new(0, i + 1, files.Count, double.NaN, pixels));
                }

                return succeeded;
            });
            if (done > 0)
                table?.Complete();
            Console.WriteLine(Printable.Of($"Features of {done} of {files.Count} images, in {folder}."));
            return interruption.Token.IsCancellationRequested ? Program.Interrupted
                : done == files.Count ? Program.Success : done == 0 ? Program.Failure : Program.Negative;

            long One(ImageItem file)
            {
                if (table is null)
                {
                    var path = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(file.Path)}.features.npy");
                    return predictor.WriteFeatures(file, path, Tell).Pixels;
                }

                using var scope = NewDisposeScope();
                var (vector, pixels) = predictor.Pool(file, Tell);
                table.Write(file.Path, vector);
                return pixels;

                void Tell(string doubt)
                {
                    if (told.Add(doubt))
                        display.Write($"Note: {file.Path}: {doubt}.");
                }
            }
        });
        return command;
    }
}
