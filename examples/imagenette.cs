#:project ../src/StreamingCnn.Training/StreamingCnn.Training.csproj
#:property UsesSkia=true

// The Imagenette experiment of the original StreamingCNN: its network and its schedule (200 epochs of batches of 32, SGD at 0.001, weight decay 0.000001), trained side by side from one
// seed on the same batches: conventionally, and with the first two convolutions streamed in tiles of 32 x 32 pixels. In both arms the optimizer holds all layers, the streamed ones too.
// First the proof in float64: after 5 updates the weights of both arms are equal to 1e-9 and have moved; exit code 1 if not. Then the curves, in float32, with a third arm as a yardstick:
// conventional training once more, the images of each batch in reverse order. That is the same mathematics in another order of additions, so what it differs by is what rounding makes of a run.
//
//     dotnet run -c Release examples/imagenette.cs
//     dotnet run -c Release examples/imagenette.cs -- FOLDER [--epochs 200] [--side 320] [--batch 32] [--rate 0.001] [--output FOLDER]
//
// The folder is that of Imagenette (https://github.com/fastai/imagenette, 320 px) or any with one folder of images for each class under train/, and under val/ or test/. Table and plot,
// curves.csv and curves.png, are written after every epoch; 200 epochs of all of Imagenette take days on a CPU, so try less first. Without a folder some small images are made, so that the
// program can be seen at work in a minute.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using ScottPlot;
using ScottPlot.TickGenerators;
using StreamingCnn;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

const int Seed = 0, ProofSteps = 5;
const double ProofTolerance = 1e-9;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
// The first that this machine has. Left to itself, the library that draws may take one with serifs.
string[] fonts = ["Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "Noto Sans", "Open Sans", "DejaVu Sans"];
Fonts.Default = fonts.FirstOrDefault(SkiaSharp.SKFontManager.Default.FontFamilies.Contains) ?? Fonts.Default;

string? madeUp = null;
try
{
    var request = new Request(args);
    var schedule = request.Schedule(request.Folder is null ? new(Side: 96, Batch: 8, Epochs: 6, Rate: 1e-2) : new(Side: 320, Batch: 32, Epochs: 200, Rate: 1e-3));
    if (request.Folder is null)
        MakeImages(madeUp = Directory.CreateTempSubdirectory("imagenette-").FullName);
    var (training, validation) = Read(request.Folder ?? madeUp!);
    Console.WriteLine($"{training.Items.Count} images to train on, {validation.Items.Count} to validate, {training.Classes.Count} classes");
    Console.WriteLine($"{schedule.Epochs} epochs of batches of {schedule.Batch}, {schedule.Side} x {schedule.Side} px, learning rate {schedule.Rate}");
    Directory.CreateDirectory(request.Output);
    if (!Prove(training, schedule))
        return 1;
    Race(training, validation, schedule, request.Output);
    Console.WriteLine($"table and plot in {request.Output}");
    return 0;
}
catch (Exception failure) when (failure is DataSetException or ImageFormatException or IOException or UnauthorizedAccessException or FormatException or NotFiniteNumberException)
{
    Console.Error.WriteLine($"error: {failure.Message}");
    return 2;
}
finally
{
    if (madeUp is not null)
        Directory.Delete(madeUp, recursive: true);
}

static (ImageDataSet Training, ImageDataSet Validation) Read(string folder)
{
    var training = ImageDataSet.FromFolders(Path.Combine(folder, "train"), checkImages: false);
    // Imagenette's second part is called val; that of many others, test.
    string[] names = [Path.Combine(folder, "val"), Path.Combine(folder, "test")];
    var second = names.FirstOrDefault(Directory.Exists)
        ?? throw new DataSetException(folder, ["there is neither a folder val nor a folder test with images to validate with; make one of them"]);
    var validation = ImageDataSet.FromFolders(second, checkImages: false);
    return training.Classes.SequenceEqual(validation.Classes)
        ? (training, validation)
        : throw new DataSetException(
            folder, [$"the classes of train ({string.Join(", ", training.Classes)}) and of {Path.GetFileName(second)} ({string.Join(", ", validation.Classes)}) are not the same"]);
}

bool Prove(ImageDataSet images, Schedule schedule)
{
    using var whole = new Arm(images.Classes.Count, schedule, isStreamed: false, ScalarType.Float64);
    using var streamed = new Arm(images.Classes.Count, schedule, isStreamed: true, ScalarType.Float64);
    using var scope = NewDisposeScope();
    var start = whole.Parameters.Select(parameter => parameter.detach().clone()).ToArray();
    var (same, lossDifference) = (Difference(streamed.Parameters, start) == 0, 0.0);
    var random = new Random(Seed);
    foreach (var batch in Batches(images, schedule, random).Take(ProofSteps))
    {
        using var step = NewDisposeScope();
        var (pixels, labels) = Load(batch, schedule, random);
        lossDifference = Math.Max(lossDifference, Math.Abs(whole.Step(pixels, labels) - streamed.Step(pixels, labels)));
    }

    var (difference, moved) = (Difference(streamed.Parameters, whole.Parameters), Difference(streamed.Parameters.Take(4), start.Take(4)));
    Console.WriteLine($"float64, after {ProofSteps} updates: losses differ by {lossDifference:0.0e+0}, weights by {difference:0.0e+0} (relative); the streamed layers have moved by {moved:0.0e+0}");
    var passes = same && difference <= ProofTolerance && moved > 1e3 * ProofTolerance;
    Console.WriteLine(passes ? "PASS" : $"FAIL: the arms {(same ? $"differ by more than {ProofTolerance:0e+0}, or the streamed layers are not trained" : "do not start alike")}");
    return passes;
}

void Race(ImageDataSet training, ImageDataSet validation, Schedule schedule, string output)
{
    using var whole = new Arm(training.Classes.Count, schedule, isStreamed: false, ScalarType.Float32);
    using var streamed = new Arm(training.Classes.Count, schedule, isStreamed: true, ScalarType.Float32);
    using var reversed = new Arm(training.Classes.Count, schedule, isStreamed: false, ScalarType.Float32);
    Arm[] arms = [whole, streamed, reversed];
    var (random, epochs) = (new Random(Seed), new List<Epoch>());
    var perEpoch = (training.Items.Count + schedule.Batch - 1) / schedule.Batch;
    var (clock, lastLine, steps) = (Stopwatch.StartNew(), TimeSpan.Zero, 0);
    Console.WriteLine("\nfloat32    training loss  validation loss  accuracy   largest difference of a batch's loss: streamed   conventional, batches reversed");
    foreach (var batches in Batches(training, schedule, random).Chunk(perEpoch).Take(schedule.Epochs))
    {
        var (losses, largest) = (new double[arms.Length], new double[arms.Length]);
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            var (pixels, labels) = Load(batch, schedule, random);
            double[] found = [whole.Step(pixels, labels), streamed.Step(pixels, labels), reversed.Step(pixels.flip(0), labels.flip(0))];
            steps++;
            foreach (var (i, loss) in found.Index())
            {
                if (!double.IsFinite(loss))
                    throw new NotFiniteNumberException($"The loss of update {steps} is not a finite number; choose a lower --rate than {schedule.Rate}.");
                (losses[i], largest[i]) = (losses[i] + (loss * batch.Length), Math.Max(largest[i], Math.Abs(loss - found[0])));
            }

            if (clock.Elapsed - lastLine < TimeSpan.FromSeconds(30))
                continue;
            lastLine = clock.Elapsed;
            Console.WriteLine($"  update {steps}, about {clock.Elapsed * (((double)schedule.Epochs * perEpoch / steps) - 1):d\\.hh\\:mm\\:ss} left");
        }

        var (sums, right) = (new double[arms.Length], new double[arms.Length]);
        foreach (var batch in validation.Items.Chunk(schedule.Batch))
        {
            using var scope = NewDisposeScope();
            var (pixels, labels) = Load(batch, schedule, random: null);
            foreach (var (i, arm) in arms.Index())
            {
                var (sum, hits) = arm.Judge(pixels, labels);
                (sums[i], right[i]) = (sums[i] + sum, right[i] + hits);
            }
        }

        var results = arms.Select((_, i) => new Result(losses[i] / training.Items.Count, sums[i] / validation.Items.Count, right[i] / validation.Items.Count, largest[i])).ToArray();
        epochs.Add(new(results[0], results[1], results[2]));
        Console.WriteLine(
            $"epoch {epochs.Count,3} {results[0].TrainingLoss,15:0.0000} {results[0].ValidationLoss,16:0.0000} {results[0].Accuracy,9:0.000} {results[1].Difference,49:0.0e+0} {results[2].Difference,31:0.0e+0}");
        Write(Path.Combine(output, "curves.csv"), epochs);
        Draw(Path.Combine(output, "curves.png"), epochs);
    }

    Console.WriteLine($"\nafter {steps} updates, {clock.Elapsed:hh\\:mm\\:ss}, against conventional training:");
    Tell("streamed", epoch => epoch.Streamed, streamed);
    Tell("conventional, batches reversed", epoch => epoch.Reversed, reversed);

    void Tell(string name, Func<Epoch, Result> result, Arm arm) => Console.WriteLine(
        $"  {name + ":",-32}losses differ by {epochs.Max(epoch => result(epoch).Difference):0.0e+0} at most, weights in the end by {Difference(arm.Parameters, whole.Parameters):0.0e+0} (relative); accuracy {result(epochs[^1]).Accuracy:0.000}, against {epochs[^1].Whole.Accuracy:0.000}");
}

// Epoch after epoch, every image once in each, in a new order.
static IEnumerable<ImageItem[]> Batches(ImageDataSet images, Schedule schedule, Random random)
{
    while (true)
    {
        var order = images.Items.ToArray();
        random.Shuffle(order);
        foreach (var batch in order.Chunk(schedule.Batch))
            yield return batch;
    }
}

// [N, 3, side, side], normalised as ImageNet is: a random part of any shape between 3:4 and 4:3 to train on, the middle to judge by.
static (Tensor Pixels, Tensor Labels) Load(IReadOnlyList<ImageItem> batch, Schedule schedule, Random? random)
{
    var side = schedule.Side;
    var (mean, deviation) = (tensor([0.485f, 0.456f, 0.406f]).view(1, 3, 1, 1), tensor([0.229f, 0.224f, 0.225f]).view(1, 3, 1, 1));
    var pixels = cat(batch.Select(item =>
    {
        using var source = ImageSource.Open(item.Path, new ImageOptions { Channels = 3 });
        var (top, left, height, width) = Part(source.Height, source.Width);
        var part = source.Read(top, left, height, width).to(ScalarType.Float32) / 255;
        return ((height, width) == (side, side) ? part : functional.interpolate(part, [side, side], mode: InterpolationMode.Bilinear, align_corners: false)) - mean;
    }).ToArray()) / deviation;
    return (pixels, tensor(batch.Select(item => (long)item.Label).ToArray()));

    (long Top, long Left, long Height, long Width) Part(long height, long width)
    {
        for (var attempt = 0; random is not null && attempt < 10; attempt++)
        {
            var (area, ratio) = (height * width * (0.08 + (0.92 * random.NextDouble())), Math.Exp(Math.Log(4.0 / 3) * ((2 * random.NextDouble()) - 1)));
            var (h, w) = ((long)Math.Round(Math.Sqrt(area / ratio)), (long)Math.Round(Math.Sqrt(area * ratio)));
            if (h > 0 && w > 0 && h <= height && w <= width)
                return (random.NextInt64(height - h + 1), random.NextInt64(width - w + 1), h, w);
        }

        var shorter = Math.Min(height, width);
        return ((height - shorter) / 2, (width - shorter) / 2, shorter, shorter);
    }
}

static double Difference(IEnumerable<Tensor> weights, IEnumerable<Tensor> reference)
{
    using var scope = NewDisposeScope();
    using var grad = no_grad();
    return weights.Zip(reference).Max(pair => ((pair.First - pair.Second).abs().max() / pair.Second.abs().max().clamp_min(1e-3)).to(ScalarType.Float64).item<double>());
}

static void Write(string path, IReadOnlyList<Epoch> epochs)
{
    var text = new StringBuilder("epoch,arm,training loss,validation loss,accuracy,largest difference of a batch's loss from conventional training\n");
    foreach (var (i, epoch) in epochs.Index())
    {
        foreach (var (arm, result) in new[] { ("conventional", epoch.Whole), ("streamed", epoch.Streamed), ("conventional with batches reversed", epoch.Reversed) })
            text.Append(CultureInfo.InvariantCulture, $"{i + 1},{arm},{result.TrainingLoss:R},{result.ValidationLoss:R},{result.Accuracy:R},{result.Difference:R}\n");
    }

    File.WriteAllText(path, text.ToString());
}

static void Draw(string path, IReadOnlyList<Epoch> epochs)
{
    // Equal losses are drawn at the lower edge.
    const int LeastPower = -9;
    const string Blue = "#0072B2", Red = "#D55E00";
    var numbers = Enumerable.Range(1, epochs.Count).Select(epoch => (double)epoch).ToArray();
    var figure = new Multiplot();
    figure.AddPlots(3);
    var (losses, accuracy, differences) = (figure.GetPlot(0), figure.GetPlot(1), figure.GetPlot(2));
    Add(losses, "training", result => result.TrainingLoss, Blue);
    Add(losses, "validation", result => result.ValidationLoss, Red);
    Add(accuracy, "validation", result => result.Accuracy, Red);
    Line(differences, epoch => Power(epoch.Reversed), Red, 5, "conventional, batches reversed", alpha: 0.4);
    Line(differences, epoch => Power(epoch.Streamed), Blue, 2, "streamed");
    losses.YLabel("loss");
    accuracy.YLabel("accuracy");
    differences.YLabel("largest difference of a loss");
    differences.XLabel("epoch");
    double[] seen = [.. epochs.SelectMany(epoch => new[] { Power(epoch.Streamed), Power(epoch.Reversed) })];
    var (least, most) = ((int)Math.Floor(seen.Min()), (int)Math.Ceiling(seen.Max()));
    differences.Axes.SetLimitsY(least - 0.1, most + 0.1);
    var powers = Enumerable.Range(least, most - least + 1).ToArray();
    differences.Axes.Left.TickGenerator = new NumericManual([.. powers.Select(power => (double)power)], [.. powers.Select(power => $"1e{power}")]);
    foreach (var plot in new[] { losses, accuracy, differences })
    {
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { IntegerTicksOnly = true };
        plot.Axes.Left.MinimumSize = 80;
        plot.Axes.Left.Label.Bold = plot.Axes.Bottom.Label.Bold = false;
        (plot.Legend.OutlineWidth, plot.Legend.ShadowColor, plot.Legend.Padding) = (0, Colors.Transparent, new PixelPadding(10));
        // Beside the curves, which may lie anywhere, and of one width, so that epochs stand below each other.
        plot.ShowLegend(Edge.Right).MinimumSize = 350;
    }

    figure.SavePng(path, 1100, 800);

    // The conventional curve is broad and pale, so that it is seen under the streamed one; circles around both are the control.
    void Add(Plot plot, string part, Func<Result, double> value, string colour)
    {
        Line(plot, epoch => value(epoch.Whole), colour, 9, $"{part}, conventional", alpha: 0.3);
        Line(plot, epoch => value(epoch.Streamed), colour, 2, $"{part}, streamed");
        var circles = plot.Add.ScatterPoints(numbers, epochs.Select(epoch => value(epoch.Reversed)).ToArray(), ScottPlot.Color.FromHex(colour));
        (circles.MarkerShape, circles.MarkerSize, circles.LegendText) = (MarkerShape.OpenCircle, 12, $"{part}, conventional, batches reversed");
    }

    void Line(Plot plot, Func<Epoch, double> value, string colour, float width, string name, double alpha = 1)
    {
        var line = plot.Add.ScatterLine(numbers, epochs.Select(value).ToArray(), ScottPlot.Color.FromHex(colour).WithAlpha(alpha));
        (line.LineWidth, line.LegendText) = (width, name);
    }

    static double Power(Result result) => Math.Max(LeastPower, Math.Log10(result.Difference));
}

// Stripes that lie, stand or lean, in any colour and at any distance: laid out as Imagenette is.
static void MakeImages(string folder)
{
    const int Side = 112;
    using var seeded = new Generator(Seed);
    var random = new Random(Seed);
    foreach (var (part, count) in new[] { ("train", 24), ("val", 12) })
    {
        foreach (var (label, (down, right)) in new[] { ("lying", (1.0, 0.0)), ("standing", (0.0, 1.0)), ("leaning", (0.7, 0.7)) })
        {
            var path = Directory.CreateDirectory(Path.Combine(folder, part, label)).FullName;
            for (var i = 0; i < count; i++)
            {
                using var scope = NewDisposeScope();
                var (y, x) = (arange(Side).view(-1, 1) * down, arange(Side).view(1, -1) * right);
                var stripes = ((y + x) * (0.5 + random.NextDouble() * 0.4) + (random.NextDouble() * 6)).sin();
                var colour = rand(3, generator: seeded).view(1, 3, 1, 1) * 90;
                var image = (stripes.view(1, 1, Side, Side) * colour) + 128 + (randn(1, 3, Side, Side, generator: seeded) * 12);
                using var source = new TensorImageSource(image.clamp(0, 255).to(ScalarType.Byte));
                ImageFile.Write(source, Path.Combine(path, $"{i}.png"));
            }
        }
    }
}

internal sealed record Schedule(int Side, int Batch, int Epochs, double Rate);

/// <summary>What an arm did in an epoch.</summary>
/// <param name="TrainingLoss">Mean over the training images.</param>
/// <param name="ValidationLoss">Mean over the validation images, after the epoch.</param>
/// <param name="Accuracy">Share of them that is put into the right class.</param>
/// <param name="Difference">Largest difference of a batch's loss from that of conventional training.</param>
internal sealed record Result(double TrainingLoss, double ValidationLoss, double Accuracy, double Difference);

internal sealed record Epoch(Result Whole, Result Streamed, Result Reversed);

/// <summary>The command line: a folder, and options followed by their values.</summary>
internal sealed class Request
{
    private static readonly string[] Options = ["--epochs", "--side", "--batch", "--rate", "--output"];

    private readonly Dictionary<string, string> given = [];

    /// <exception cref="FormatException">A word is not understood.</exception>
    public Request(string[] words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            if (!words[i].StartsWith("--", StringComparison.Ordinal))
                Folder = Folder is null ? words[i] : throw new FormatException($"'{words[i]}' is one argument too many; give one folder, and options followed by their values.");
            else if (!Options.Contains(words[i]))
                throw new FormatException($"There is no option '{words[i]}'; choose one of {string.Join(", ", Options)}.");
            else
                given[words[i]] = i + 1 < words.Length ? words[++i] : throw new FormatException($"{words[i]} needs a value behind it.");
        }
    }

    public string? Folder { get; }

    public string Output => given.GetValueOrDefault("--output", Path.Combine(Path.GetTempPath(), "imagenette"));

    /// <exception cref="FormatException">A value is none.</exception>
    public Schedule Schedule(Schedule fallback) => new(
        // The network halves its maps four times.
        Number("--side", fallback.Side, 16, 4096), Number("--batch", fallback.Batch, 1, 4096), Number("--epochs", fallback.Epochs, 1, 100_000), Rate(fallback.Rate));

    private int Number(string name, int fallback, int least, int most) => !given.TryGetValue(name, out var text) ? fallback
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
        : throw new FormatException($"'{text}' is not a number for {name}; write a whole number from {least} to {most}.");

    private double Rate(double fallback) => !given.TryGetValue("--rate", out var text) ? fallback
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 100 ? number
        : throw new FormatException($"'{text}' is not a number for --rate; write one above 0 and up to 100, such as 0.01.");
}

/// <summary>One of several models that start alike: the same network, its first two convolutions streamed or not, with an optimizer over all of it.</summary>
internal sealed class Arm : IDisposable
{
    private readonly Module<Tensor, Tensor> trunk;
    private readonly StreamingModule? streaming;
    private readonly Sequential rest;
    private readonly OptimizerHelper optimizer;
    private readonly ScalarType precision;

    public Arm(int classes, Schedule schedule, bool isStreamed, ScalarType precision)
    {
        torch.random.manual_seed(0);
        this.precision = precision;
        trunk = ModelCatalog.Create("imagenette").to(precision);
        rest = Sequential(
            Conv2d(32, 64, 3, padding: 1), ReLU(), MaxPool2d(2),
            Conv2d(64, 128, 3, padding: 1), ReLU(), MaxPool2d(2),
            Conv2d(128, 256, 3, padding: 1), ReLU(), AdaptiveMaxPool2d([1, 1]),
            Flatten(), Linear(256, classes));
        using (no_grad())
        {
            foreach (var weight in rest.parameters().Where(parameter => parameter.dim() > 1))
                init.kaiming_normal_(weight, nonlinearity: init.NonlinearityType.ReLU);
        }

        rest.to(precision);
        streaming = isStreamed ? new StreamingModule(trunk, new StreamingOptions { Tile = (32, 32) }) : null;
        Parameters = [.. (streaming ?? trunk).parameters(), .. rest.parameters()];
        optimizer = optim.SGD(Parameters, schedule.Rate, weight_decay: 1e-6);
    }

    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>One update; the batch's mean loss before it.</summary>
    public double Step(Tensor pixels, Tensor labels)
    {
        using var scope = NewDisposeScope();
        optimizer.zero_grad();
        var loss = functional.cross_entropy(Scores(pixels), labels);
        loss.backward();
        optimizer.step();
        return loss.to(ScalarType.Float64).item<double>();
    }

    /// <summary>Sum of the losses, and how many are right.</summary>
    public (double Loss, long Right) Judge(Tensor pixels, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var scores = Scores(pixels);
        return (functional.cross_entropy(scores, labels, reduction: Reduction.Sum).to(ScalarType.Float64).item<double>(), (scores.argmax(1) == labels).sum().item<long>());
    }

    public void Dispose()
    {
        optimizer.Dispose();
        rest.Dispose();
        streaming?.Dispose();
        trunk.Dispose();
    }

    private Tensor Scores(Tensor pixels) => rest.forward((streaming ?? trunk).forward(pixels.to(precision)));
}
