using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Generators;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Saliency;
using static TorchSharp.torch;

namespace StreamingCnn.Experiments.Needles;

/// <summary><c>needles</c>: whether the map of a trained model points at the needle.</summary>
internal static class NeedlesCommand
{
    public static Command Create()
    {
        var labels = new Argument<string>("labels") { Description = "labels.csv that scnn generate needles wrote, with its own digits." };
        var run = new Option<string>("--run") { Description = "Folder of a run that was trained on it.", Required = true };
        var seed = CommonOptions.Number("--seed", "Seed that the images were made with.", 1, 0);
        var density =
            new Option<double>("--density") { Description = "Density that they were made with.", DefaultValueFactory = _ => 0.25 };
        var blur = new Option<double?>("--blur")
        {
            Description = "Standard deviation of the map's blur in pixels. Default: that of scnn saliency."
        };
        var method = new Option<SaliencyMethod>("--method")
        {
            Description = "How the map is made.",
            DefaultValueFactory = _ => SaliencyMethod.Gradient
        };
        var count = CommonOptions.Number("--count", "Rightly classified positives of the test split to look at.", 10, 1);
        var command = new Command(
            "needles",
            "Count in how many images the hottest pixels of the map lie on the needle.") { labels,
            run,
            seed,
            density,
            blur,
            method,
            count };
        command.SetAction(parsed =>
        {
            var (model, description) = ModelDescription.Load(
                RunFolder.WeightsOf(parsed.GetRequiredValue(run)), new() { FrozenBatchNorm = true });
            using (model)
            {
                var test = LabelledImages.Read(parsed.GetRequiredValue(labels), new CsvOptions(), validationShare: 0)
                    .Test(description.Preparation);
                var predictions = ImageModel.Predict(model, description.Task, test);
                var right = predictions.Where(prediction => (prediction.Values[1] > 0.5) == (prediction.Sample.Label == 1)).ToArray();
                Console.WriteLine(
                    string.Create(CultureInfo.InvariantCulture, $"{right.Length} of {test.Count} test images are classified rightly.\n"));

                var positives = right.Where(prediction => prediction.Sample.Label == 1).Take(parsed.GetValue(count)).ToArray();
                var options =
                    new SaliencyOptions { Method = parsed.GetValue(method), Target = 1, Blur = parsed.GetValue(blur), Percentile = 100 };
                var heats = new List<NeedleHeat>();
                Console.WriteLine($"| image | probability | of the hottest {NeedleHeat.Hottest:0.0 %} on the needle | hottest pixel on |\n| --- | --: | --: | --- |");
                foreach (var positive in positives)
                {
                    using var image = positive.Sample.Open(0);
                    using var canvas = Draw(positive.Sample.Name, image.Height, parsed.GetValue(seed), parsed.GetValue(density));
                    var heat = NeedleHeat.Of(model, image, canvas, options);
                    heats.Add(heat);
                    var peak = heat.PeakOnNeedle ? "the needle" : heat.PeakOn is { } digit ? $"a {digit}" : "the background";
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"| {Path.GetFileName(positive.Sample.Name)} | {positive.Values[1]:0.000} | {heat.HottestOnNeedle:0 %} | {peak} |"));
                }

                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"\nOf {heats.Count}: most of the hottest pixels on the needle in {heats.Count(heat => heat.HottestOnNeedle > 0.5)}, the hottest pixel on it in {heats.Count(heat => heat.PeakOnNeedle)}."));
            }
        });
        return command;
    }

    /// <summary>What the generator drew into a file; its pixels must be the file's, or the seed is another.</summary>
    private static DigitCanvas Draw(string path, long side, int seed, double density)
    {
        var canvas = new NeedleGenerator(side, seed, density: density).Generate(
            int.Parse(Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture));
        using var scope = NewDisposeScope();
        using var file = Imaging.ImageSource.Open(path);
        return file.Read(0, 0, side, side).eq(canvas.Read(0, 0, side, side)).all().item<bool>()
            ? canvas
            : throw new InvalidDataException($"'{path}' is not what the generator makes of seed {seed} and density {density.ToString(CultureInfo.InvariantCulture)}; say those that it was made with.");
    }
}
