using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using StreamingCnn.Cli.Demo;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Training;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn train</c>: trains a streamed classifier on a person's images, or on images that it makes itself.</summary>
internal static class TrainCommand
{
    private const int DemoSide = 384;
    private const int DemoTraining = 60;
    private const int DemoValidation = 30;

    public static Command Create()
    {
        var data = new Argument<string?>("data")
        {
            Description = "CSV file with the columns image,label (paths relative to the file), or a folder with one folder of images for each class.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var demo = new Option<bool>("--demo") { Description = "Make a small needle-in-a-haystack data set and train on it; under three minutes." };
        var model = CommonOptions.Model("small");
        var pooling = CommonOptions.Parsed(
            "--pooling",
            "How the head pools the feature map: average or max.",
            text => text switch
            {
                "average" => HeadPooling.Average,
                "max" => HeadPooling.Max,
                _ => throw new FormatException($"'{text}' is not a pooling; write average or max."),
            },
            "max");
        var dropout = CommonOptions.Real("--dropout", "Share of the pooled features to drop in training, from 0 to below 1.", 0, 0, 0.999);
        var tile = CommonOptions.Tile();
        var memory = CommonOptions.Memory();
        var epochs = CommonOptions.Number("--epochs", "Passes over the training images.", 8, 1);
        var batch = CommonOptions.Number("--batch", "Images whose gradients are added up before each update.", 4, 1);
        var rate = CommonOptions.Real("--rate", "Learning rate of AdamW.", 1e-3, double.Epsilon, 1e6);
        var decay = CommonOptions.Real("--decay", "Weight decay of AdamW.", 1e-4, 0, 1e6);
        var share = CommonOptions.Real("--validation", "Share of the images to keep for validation, from 0 to below 1.", 0.2, 0, 0.999);
        var seed = CommonOptions.Number("--seed", "Seed of weights, split and order.", 1, 0);
        var weights = new Option<string?>("--weights") { Description = "Weights of the trunk to start from, a safetensors file with torchvision's names." };
        var output = new Option<string>("--output", "-o") { Description = "File for the trained weights, safetensors.", DefaultValueFactory = _ => "scnn-model.safetensors" };
        var command = new Command("train", "Train a classifier on whole images, streamed tile by tile.")
        {
            data, demo, model, pooling, dropout, tile, memory, epochs, batch, rate, decay, share, seed, weights, output,
        };
        command.SetAction((parsed, cancellation) =>
        {
            manual_seed(parsed.GetValue(seed));
            var set = parsed.GetValue(demo)
                ? Demonstration(parsed.GetValue(seed))
                : parsed.GetValue(data) is { } path
                    ? LabelledImages.Read(path, parsed.GetValue(share), parsed.GetValue(seed))
                    : throw new ArgumentException("Name a CSV file or a folder with one folder for each class, or give --demo for images made on the spot.");
            var streaming = new StreamingOptions
            {
                Tile = parsed.GetValue(demo) && parsed.GetValue(tile) is null && parsed.GetValue(memory) is null ? (128, 128) : parsed.GetValue(tile),
                MemoryBudget = parsed.GetValue(memory),
                FrozenBatchNorm = true,
            };
            using var trunk = ModelCatalog.Create(parsed.GetValue(model)!, set.Channels);
            if (parsed.GetValue(weights) is { } file)
                WeightFile.Load(trunk, file);
            using var classifier = new StreamingClassifier(trunk, set.Classes.Count, streaming, parsed.GetValue(pooling), parsed.GetValue(dropout));
            var trainer = new Trainer(classifier, new()
            {
                Epochs = parsed.GetValue(epochs),
                BatchSize = parsed.GetValue(batch),
                LearningRate = parsed.GetValue(rate),
                WeightDecay = parsed.GetValue(decay),
                Seed = parsed.GetValue(seed),
            });
            return Task.FromResult(Run(trainer, classifier, set, parsed.GetValue(model)!, parsed.GetValue(output)!, cancellation));
        });
        return command;
    }

    private static int Run(Trainer trainer, StreamingClassifier classifier, LabelledImages set, string model, string output, CancellationToken cancellation)
    {
        var plan = classifier.Features.Plan(set.LargestHeight, set.LargestWidth);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{set.Training.Count} images to train on, {set.Validation.Count} to validate; {set.Classes.Count} classes: {string.Join(", ", set.Classes)}."));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{model}, streamed: images up to {plan.Image.Height} x {plan.Image.Width} px in tiles of {plan.Tile.Height} x {plan.Tile.Width} px, with the gradients of the whole image; "
            + $"about {plan.StepBytes / 1048576.0:0} MiB for a step, {plan.WholeBytes / 1048576.0:0} MiB for the feature maps if they were all kept."));
        if (classifier.modules().OfType<TorchSharp.Modules.BatchNorm2d>().Any())
            Console.WriteLine("Batch normalisation uses its running statistics; its weight and bias are trained.");

        var clock = Stopwatch.StartNew();
        EpochResult? last = null;
        foreach (var epoch in TrainingDisplay.Show(progress => trainer.Fit(set.Training, set.Validation, progress, cancellation)))
            last = epoch;
        WeightFile.Save(classifier, output, new Dictionary<string, string>
        {
            ["model"] = model,
            ["classes"] = string.Join('\n', set.Classes),
        });
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(cancellation.IsCancellationRequested ? "Stopped" : "Done")} after {clock.Elapsed.TotalSeconds:0} s. Weights in {output}."));
        if (last?.Validation is { } validation)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Validation accuracy {validation.Accuracy:0.000}; chance is {1.0 / set.Classes.Count:0.000}."));
        return Program.Success;
    }

    private static LabelledImages Demonstration(int seed)
    {
        // Training images are made anew each time, so that there is nothing to learn by heart; validation images stay the same.
        var made = DemoValidation;
        return new LabelledImages(
            ["haystack", "needle"], 3, DemoSide, DemoSide, Samples(DemoTraining, _ => made++), Samples(DemoValidation, number => number));

        TrainingSample[] Samples(int count, Func<int, int> version) =>
        [
            .. Enumerable.Range(0, count).Select(i => new TrainingSample(
                $"image {i}", i % 2, () => new NormalizedSource(new NeedleImage(100_000 * seed + version(i), i % 2 == 1, DemoSide), Normalization.Symmetric))),
        ];
    }
}
