#:project ../src/StreamingCnn.Training/StreamingCnn.Training.csproj
#:property UsesSkia=true

// The Imagenette experiment of the original StreamingCNN: its network and its schedule (200 epochs of batches of 32, SGD at 0.001, weight decay 0.000001), trained twice side by side from one
// seed on the same batches: conventionally, and with the first two convolutions streamed in tiles of 32 x 32 pixels. In both arms the optimizer holds all layers, the streamed ones too.
// First the proof in float64: after 5 updates the weights of both arms are equal to 1e-9 and have moved; exit code 1 if not. Then the curves, in float32.
//
//     dotnet run -c Release examples/imagenette.cs [folder] [epochs] [folder for curves.csv and curves.png]
//
// The folder is that of Imagenette (https://github.com/fastai/imagenette, 320 px) or any with one folder of images for each class under train/ and val/ (or test/). Curves are written after
// every epoch; 200 epochs of all of Imagenette take days on a CPU. Without a folder some small images are made, so that the program can be seen at work within a minute.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using ScottPlot;
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
var output = args.Length > 2 ? args[2] : Path.Combine(Path.GetTempPath(), "imagenette");
var madeUp = args.Length == 0 ? Directory.CreateTempSubdirectory("imagenette-").FullName : null;
try
{
    if (madeUp is not null)
        MakeImages(madeUp);
    var schedule = madeUp is null ? new Schedule(Side: 320, Batch: 32, Epochs: 200, Rate: 1e-3) : new Schedule(Side: 96, Batch: 8, Epochs: 8, Rate: 1e-2);
    if (args.Length > 1)
        schedule = schedule with { Epochs = int.Parse(args[1]) };
    var folder = madeUp ?? args[0];
    var training = ImageDataSet.FromFolders(Path.Combine(folder, "train"), checkImages: false);
    var validation = ImageDataSet.FromFolders(Path.Combine(folder, Directory.Exists(Path.Combine(folder, "val")) ? "val" : "test"), checkImages: false);
    if (!training.Classes.SequenceEqual(validation.Classes))
        throw new DataSetException(folder, ["the classes to train on and those to validate with are not the same"]);
    Console.WriteLine($"{training.Items.Count} images to train on, {validation.Items.Count} to validate, {training.Classes.Count} classes");

    if (!Prove(training, schedule))
        return 1;
    Directory.CreateDirectory(output);
    Race(training, validation, schedule);
    Console.WriteLine($"table and plot in {output}");
    return 0;
}
catch (Exception failure) when (failure is DataSetException or ImageFormatException or IOException or FormatException)
{
    Console.Error.WriteLine($"error: {failure.Message}");
    return 2;
}
finally
{
    if (madeUp is not null)
        Directory.Delete(madeUp, recursive: true);
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

void Race(ImageDataSet training, ImageDataSet validation, Schedule schedule)
{
    using var whole = new Arm(training.Classes.Count, schedule, isStreamed: false, ScalarType.Float32);
    using var streamed = new Arm(training.Classes.Count, schedule, isStreamed: true, ScalarType.Float32);
    Arm[] arms = [whole, streamed];
    var (random, epochs, largest) = (new Random(Seed), new List<(Result Whole, Result Streamed)>(), 0.0);
    var perEpoch = (training.Items.Count + schedule.Batch - 1) / schedule.Batch;
    var (clock, lastLine, steps) = (Stopwatch.StartNew(), TimeSpan.Zero, 0);
    for (var epoch = 1; epoch <= schedule.Epochs; epoch++)
    {
        var losses = new double[2];
        foreach (var batch in Batches(training, schedule, random).Take(perEpoch))
        {
            using var scope = NewDisposeScope();
            var (pixels, labels) = Load(batch, schedule, random);
            var (one, other) = (whole.Step(pixels, labels), streamed.Step(pixels, labels));
            (losses[0], losses[1], largest) = (losses[0] + (one * batch.Length), losses[1] + (other * batch.Length), Math.Max(largest, Math.Abs(one - other)));
            steps++;
            if (clock.Elapsed - lastLine < TimeSpan.FromSeconds(30))
                continue;
            lastLine = clock.Elapsed;
            Console.WriteLine($"epoch {epoch}, update {steps}, loss {one:0.000}, about {clock.Elapsed * ((double)schedule.Epochs * perEpoch / steps - 1):d\\.hh\\:mm\\:ss} left");
        }

        var (loss, right) = (new double[2], new double[2]);
        foreach (var batch in validation.Items.Chunk(schedule.Batch))
        {
            using var scope = NewDisposeScope();
            var (pixels, labels) = Load(batch, schedule, random: null);
            foreach (var (i, arm) in arms.Index())
            {
                var (sum, hits) = arm.Judge(pixels, labels);
                (loss[i], right[i]) = (loss[i] + sum, right[i] + hits);
            }
        }

        var (trained, judged) = (training.Items.Count, validation.Items.Count);
        epochs.Add((new(losses[0] / trained, loss[0] / judged, right[0] / judged), new(losses[1] / trained, loss[1] / judged, right[1] / judged)));
        Console.WriteLine($"epoch {epoch}: conventional {epochs[^1].Whole}; streamed {epochs[^1].Streamed}");
        Write(Path.Combine(output, "curves.csv"), epochs);
        Draw(Path.Combine(output, "curves.png"), epochs);
    }

    Console.WriteLine($"float32, {steps} updates: the largest difference of a batch's loss is {largest:0.0e+0}, that of the weights in the end {Difference(streamed.Parameters, whole.Parameters):0.0e+0} (relative)");
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

static void Write(string path, IReadOnlyList<(Result Whole, Result Streamed)> epochs)
{
    var text = new StringBuilder("epoch,conventional training loss,streamed training loss,conventional validation loss,streamed validation loss,conventional accuracy,streamed accuracy\n");
    foreach (var (i, (whole, streamed)) in epochs.Index())
    {
        text.Append(
            CultureInfo.InvariantCulture,
            $"{i + 1},{whole.TrainingLoss:R},{streamed.TrainingLoss:R},{whole.ValidationLoss:R},{streamed.ValidationLoss:R},{whole.Accuracy:R},{streamed.Accuracy:R}\n");
    }

    File.WriteAllText(path, text.ToString());
}

static void Draw(string path, IReadOnlyList<(Result Whole, Result Streamed)> epochs)
{
    var figure = new Multiplot();
    figure.AddPlots(2);
    var (losses, accuracy) = (figure.GetPlot(0), figure.GetPlot(1));
    Add(losses, "training", result => result.TrainingLoss, "#0072B2");
    Add(losses, "validation", result => result.ValidationLoss, "#D55E00");
    Add(accuracy, "validation", result => result.Accuracy, "#D55E00");
    losses.YLabel("loss");
    accuracy.YLabel("accuracy");
    accuracy.XLabel("epoch");
    losses.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { IntegerTicksOnly = true };
    accuracy.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { IntegerTicksOnly = true };
    losses.ShowLegend(Alignment.LowerLeft);
    accuracy.ShowLegend(Alignment.UpperLeft);
    figure.SavePng(path, 900, 800);

    // The conventional curve is broad and pale, so that it is seen under the streamed one.
    void Add(Plot plot, string part, Func<Result, double> value, string colour)
    {
        var numbers = Enumerable.Range(1, epochs.Count).Select(epoch => (double)epoch).ToArray();
        var whole = plot.Add.ScatterLine(numbers, epochs.Select(epoch => value(epoch.Whole)).ToArray(), ScottPlot.Color.FromHex(colour).WithAlpha(0.3));
        (whole.LineWidth, whole.LegendText) = (9, $"{part}, conventional");
        var streamed = plot.Add.ScatterLine(numbers, epochs.Select(epoch => value(epoch.Streamed)).ToArray(), ScottPlot.Color.FromHex(colour));
        (streamed.LineWidth, streamed.LegendText) = (2, $"{part}, streamed");
    }
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

internal sealed record Result(double TrainingLoss, double ValidationLoss, double Accuracy)
{
    public override string ToString() => $"loss {TrainingLoss:0.0000}, validation {ValidationLoss:0.0000}, accuracy {Accuracy:0.000}";
}

/// <summary>One of two models that start alike: the same network, its first two convolutions streamed or not, with an optimizer over all of it.</summary>
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
