using System.CommandLine;
using System.Globalization;
using StreamingCnn.Benchmarks;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging;
using StreamingCnn.Models;
using StreamingCnn.Training;
using StreamingCnn.Training.Heads;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Experiments.Steps;

/// <summary><c>step</c>: time and resident memory of one step of a whole classifier, on an image that takes no memory itself.</summary>
internal static class StepCommand
{
    private const string Short = "stride4";
    private const long WarmUp = 512;

    public static Command Create()
    {
        var model = new Option<string>("--model")
        {
            Description = $"A network of the catalogue; or {Short}, one layer of 256 channels, a quarter of the image's size.",
            DefaultValueFactory = _ => "resnet34",
        };
        var norm = CommonOptions.Norm();
        var size = CommonOptions.Size("4096");
        var memory = CommonOptions.Memory();
        var pooling = CommonOptions.Choice("--pooling", "How the head pools", HeadPooling.Average);
        var maps = CommonOptions.Choice("--maps", "Where maps wait between stages", CarryPlace.Device);
        var carry = new CarryOptions();
        var steps = CommonOptions.Number("--steps", "Steps; the last is measured.", 1, 1);
        var command = new Command("step", "Measure a step of a network with its head.")
        {
            model, norm, size, memory, pooling, maps, carry.Place, carry.Folder, steps,
        };
        command.SetAction(parsed =>
        {
            var options = carry.Apply(parsed, new() { MemoryBudget = parsed.GetValue(memory), BoundaryMaps = parsed.GetValue(maps) });
            using var network = Classifier(parsed.GetValue(model)!, parsed.GetValue(norm), options, parsed.GetValue(pooling));
            var (height, width) = parsed.GetValue(size);
            Console.WriteLine(network.Plan(height, width));
            // What the process loads and compiles once is not the step's.
            Step(network, Math.Min(height, WarmUp), Math.Min(width, WarmUp));
            for (var step = parsed.GetValue(steps); step > 0; step--)
                Report(Step(network, height, width));
        });
        return command;
    }

    private static StreamingClassifier Classifier(string model, NormKind norm, StreamingOptions options, HeadPooling pooling)
    {
        manual_seed(1);
        Module<Tensor, Tensor> trunk = model == Short
            ? Sequential(Conv2d(3, 256, 4, stride: 4), ReLU())
            : ModelCatalog.Create(model, norm: norm);
        var network = new StreamingClassifier(trunk, outputs: 2, options, pooling);
        network.train(norm != NormKind.Frozen);
        return network;
    }

    private static MeasuredStep Step(StreamingClassifier network, long height, long width)
    {
        using var image = new NoisySource(new GreySource(height, width), deviation: 1, seed: 1);
        return MeasuredStep.Run(() => network.forward(image), () => network.zero_grad(set_to_none: true));
    }

    private static void Report(MeasuredStep step) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"loss {step.Loss:0.0000}; forward {step.Forward.TotalSeconds:0.0} s, in all {step.All.TotalSeconds:0.0} s; resident "
        + $"{step.Peak / 1048576.0:0} MiB, {(step.Peak - step.Before) / 1048576.0:0} MiB above what was before the step"));
}
