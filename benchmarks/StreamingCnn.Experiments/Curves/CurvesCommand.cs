using System.CommandLine;
using System.Globalization;
using System.Text;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using static TorchSharp.torch;

namespace StreamingCnn.Experiments.Curves;

/// <summary><c>curves</c>: streamed and conventional training of the same network, step by step.</summary>
internal static class CurvesCommand
{
    public static Command Create()
    {
        var data =
            new Argument<string>("data") { Description = "CSV file with the columns file,split,label, such as grocery10's labels.csv." };
        var model = new Option<string>("--model") { Description = "Trunk from the catalogue.", DefaultValueFactory = _ => "small" };
        var tile = CommonOptions.Number("--tile", "Side of the tiles in pixels.", 128, 1);
        var steps = CommonOptions.Number("--steps", "Updates.", 340, 1);
        var batch = CommonOptions.Number("--batch", "Images for each update.", 4, 1);
        var seed = CommonOptions.Number("--seed", "Seed of weights, order and random changes.", 1, 0);
        var optimizer = new Option<OptimizerKind>("--optimizer")
        {
            Description = "AdamW at a rate of 0.001, or Sgd at 0.01 with momentum 0.9.",
            DefaultValueFactory = _ => OptimizerKind.AdamW
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder for figure and tables.",
            DefaultValueFactory = _ => "runs/curves"
        };
        var command = new Command("curves", "Train streamed and conventionally from one seed, and compare losses and weights step by step.")
        {
            data, model, tile, steps, batch, seed, optimizer, output,
        };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(data);
            var images = LabelledImages.Read(path, new CsvOptions(), validationShare: 0);
            var preparation = new ImagePreparation { Channels = images.Channels };
            var training = images.Training(preparation, new AugmentationOptions { Mirror = true }, parsed.GetValue(seed));
            var test = images.Test(preparation);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{training.Count} images to train on, {test.Count} to test, {images.Task.Outputs.Count} classes.\n"));

            var results = new[] { ScalarType.Float32, ScalarType.Float64 }.Select(precision => CurveRace.Run(
                new()
                {
                    Model = parsed.GetRequiredValue(model),
                    Classes = images.Task.Outputs.Count,
                    Tile = parsed.GetValue(tile),
                    Steps = parsed.GetValue(steps),
                    Batch = parsed.GetValue(batch),
                    Seed = parsed.GetValue(seed),
                    Optimizer = parsed.GetValue(optimizer),
                    Precision = precision,
                },
                training,
                test)).ToArray();

            var folder = Directory.CreateDirectory(parsed.GetRequiredValue(output)).FullName;
            foreach (var result in results)
                WriteSteps(Path.Combine(folder, $"{result.Setting.Precision.ToString().ToLowerInvariant()}.csv"), result);
            CurvesFigure.Write(Path.Combine(folder, "loss-curves.png"), results);
            Console.WriteLine(Table(results));
        });
        return command;
    }

    private static void WriteSteps(string path, CurveResult result)
    {
        var text = new StringBuilder("step,whole,streamed,reordered,streamed weights,reordered weights\n");
        foreach (var (i, step) in result.Steps.Index())
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{i + 1},{step.Whole:R},{step.Streamed:R},{step.Reordered:R},{step.StreamedWeights:R},{step.ReorderedWeights:R}\n");
        }

        File.WriteAllText(path, text.ToString());
    }

    private static string Table(IReadOnlyList<CurveResult> results)
    {
        var text = new StringBuilder("| precision | compared with conventional training | largest difference of a step's loss | of the weights after 1 step | after 10 | after all | test accuracy |\n");
        text.Append("| --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (var result in results)
        {
            Row("streamed", step => step.Streamed, step => step.StreamedWeights);
            Row("conventional, batches in reverse order", step => step.Reordered, step => step.ReorderedWeights);

            void Row(string name, Func<CurveStep, double> loss, Func<CurveStep, double> weights)
            {
                var key = name == "streamed" ? name : "reordered";
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"| {result.Setting.Precision} | {name} | {result.Steps.Max(step => Math.Abs(loss(step) - step.Whole)):0.0e+0} ");
                foreach (var step in new[] { 0, Math.Min(9, result.Steps.Count - 1), result.Steps.Count - 1 })
                    text.Append(CultureInfo.InvariantCulture, $"| {weights(result.Steps[step]):0.0e+0} ");
                text.Append(CultureInfo.InvariantCulture, $"| {result.Accuracy[key]:0.000} |\n");
            }
        }

        text.Append('\n');
        foreach (var result in results)
        {
            var (first, last) = (result.Steps.Take(20).Average(step => step.Whole), result.Steps.TakeLast(20).Average(step => step.Whole));
            text.Append(
                CultureInfo.InvariantCulture,
                $"{result.Setting.Precision}: mean loss of the first 20 steps {first:0.000}, of the last 20 {last:0.000}; test accuracy of conventional training {result.Accuracy["whole"]:0.000}; ")
                .Append(
                    CultureInfo.InvariantCulture,
                    $"{result.Disagreements} of {result.TestImages} test images classified differently by the streamed model; ")
                .Append(
                    CultureInfo.InvariantCulture,
                    $"{result.Seconds["whole"]:0} s conventional, {result.Seconds["streamed"]:0} s streamed.\n");
        }

        return text.ToString();
    }
}
