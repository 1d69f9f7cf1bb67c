using System.CommandLine;
using System.Globalization;
using System.Text;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Generators;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Data;

namespace StreamingCnn.Experiments.Ladder;

/// <summary><c>ladder</c>: the same network with the same number of updates at rising resolution.</summary>
internal static class LadderCommand
{
    // Small beside the image, so that shrinking it loses them, and one in each image, so that a few hundred updates suffice.
    private const int DigitSide = 14;

    private static readonly int[] Downsamples = [4, 2, 1];

    /// <param name="scnn">Runs the program; null for <see cref="Scnn.Run"/>.</param>
    public static Command Create(ScnnRunner? scnn = null)
    {
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder for data, runs, table, CSV and figure. What it holds already is not made again.",
            DefaultValueFactory = _ => "runs/ladder"
        };
        var pitting = new Option<string?>("--pitting") { Description = "labels.csv of bsd-pitting. Default: generated images alone." };
        var images = CommonOptions.Number("--images", "Generated images of each kind to train on.", 600, 1);
        var test = CommonOptions.Number("--test", "Generated images of each kind to test on.", 200, 1);
        var side = CommonOptions.Number("--side", "Height and width of the images with needles in pixels, 64 or more.", 384, 64);
        var ultraSide = CommonOptions.Number(
            "--ultramnist-side", "Height and width of UltraMNIST's images in pixels, 64 or more.", 256, 64);
        var updates = CommonOptions.Number("--updates", "Updates on generated images, rounded up to whole passes.", 450, 1);
        var epochs = CommonOptions.Number("--pitting-epochs", "Passes over the photographs of bsd-pitting.", 1, 1);
        var tile = CommonOptions.Number("--tile", "Side of the tiles in pixels.", 128, 1);
        var rounds = CommonOptions.Number("--rounds", "Measurements of each step's memory, each in a process of its own.", 3, 1);
        var seed = CommonOptions.Number("--seed", "Seed of images and training.", 1, 0);
        var command = new Command(
            "ladder", "Train the same network with the same number of updates at a quarter, half and full resolution, and compare.")
        {
            output, pitting, images, test, side, ultraSide, updates, epochs, tile, rounds, seed,
        };
        command.SetAction(parsed =>
        {
            var folder = Directory.CreateDirectory(parsed.GetRequiredValue(output)).FullName;
            var cells = (parsed.GetValue(side) / 32) * (parsed.GetValue(side) / 32);
            var needles = new NeedleGenerator(parsed.GetValue(side), parsed.GetValue(seed), density: 1.0 / cells, digitSide: DigitSide);
            var ultra = new UltraMnistGenerator(parsed.GetValue(ultraSide), parsed.GetValue(seed));
            KeepSettings(folder, string.Create(
                CultureInfo.InvariantCulture,
                $"images {parsed.GetValue(images)}, test {parsed.GetValue(test)}, side {parsed.GetValue(side)}, UltraMNIST's side {parsed.GetValue(ultraSide)}, updates {parsed.GetValue(updates)}, pitting epochs {parsed.GetValue(epochs)}, tile {parsed.GetValue(tile)}, seed {parsed.GetValue(seed)}\n"));
            LadderTask Generated(string name, Func<int, DigitCanvas> generate)
            {
                var data = Path.Combine(folder, name, "data");
                var labels = Path.Combine(data, "labels.csv");
                if (!File.Exists(labels))
                    new GeneratedSet([("train", parsed.GetValue(images), generate), ("test", parsed.GetValue(test), generate)]).Write(data);
                return new(name, labels, parsed.GetValue(tile), LadderTask.EpochsFor(parsed.GetValue(updates), parsed.GetValue(images)));
            }

            var tasks = new List<LadderTask> { Generated("needles", needles.Generate), Generated("ultramnist", ultra.Generate) };
            if (parsed.GetValue(pitting) is { } photographs)
                tasks.Add(new("bsd-pitting", Path.GetFullPath(photographs), parsed.GetValue(tile), parsed.GetValue(epochs)));
            var results = new List<LadderResult>();
            foreach (var task in tasks)
            {
                results.Add(Climb(task, folder, parsed.GetValue(rounds), parsed.GetValue(seed), scnn ?? Scnn.Run));
                // After each task: whoever stops the rest has the results so far.
                AtomicFile.Write(
                    Path.Combine(folder, "ladder.md"), file => file.Write(Encoding.UTF8.GetBytes(LadderTable.Markdown(results))));
                AtomicFile.Write(Path.Combine(folder, "ladder.csv"), file => file.Write(Encoding.UTF8.GetBytes(LadderTable.Csv(results))));
                LadderFigure.Write(Path.Combine(folder, "ladder.png"), results);
            }

            Console.WriteLine(LadderTable.Markdown(results));
        });
        return command;
    }

    private static LadderResult Climb(LadderTask task, string folder, int rounds, int seed, ScnnRunner scnn)
    {
        Rung[] rungs = [
            .. Downsamples.Select(
                factor => new Rung(
                    task, factor, Path.Combine(folder, task.Name, string.Create(CultureInfo.InvariantCulture, $"downsample-{factor}"))))
        ];
        foreach (var rung in rungs)
        {
            Console.Error.WriteLine($"{task.Name}, {rung.Name} resolution");
            rung.Train(seed, scnn);
        }

        var images = LabelledImages.Read(task.Labels, new CsvOptions(), validationShare: 0);
        var preparation = new ImagePreparation { Channels = images.Channels };
        var (height, width) = images.LargestSize(preparation);
        var memory = StepMemory.Measure(task, height, width, rounds, Path.Combine(folder, task.Name, "memory.csv"), scnn);
        return new(
            task, height, width, images.Training(preparation, null, seed).Count, images.Test(preparation).Count, rungs,
            LadderComparison.Of([.. rungs.Select(rung => rung.Predictions())]), memory);
    }

    /// <summary>Runs of other settings must not pass for those of these.</summary>
    private static void KeepSettings(string folder, string settings)
    {
        var path = Path.Combine(folder, "settings.txt");
        if (!File.Exists(path))
            AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(settings)));
        else if (File.ReadAllText(path) is var before && before != settings)
            throw new ArgumentException(
                $"'{folder}' holds a ladder of other settings ({before.Trim()}); give those again, or choose another folder.");
    }
}
