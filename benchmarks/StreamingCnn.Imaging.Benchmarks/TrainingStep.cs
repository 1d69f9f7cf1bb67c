using System.Diagnostics;
using System.Globalization;
using StreamingCnn.Benchmarks;
using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Imaging.Benchmarks;

/// <summary>One step of training on a whole file: forward, backward, and an update of the weights.</summary>
internal static class TrainingStep
{
    private const int Classes = 2;

    /// <summary>Runs one.</summary>
    /// <param name="path">The image.</param>
    /// <param name="model">A network of the catalog; null for a small one.</param>
    /// <param name="options">How it is streamed.</param>
    public static int Run(string path, string? model, StreamingOptions options)
    {
        manual_seed(1);
        using var file = ImageSource.Open(path);
        using var image = new NormalizedSource(new PrefetchingSource(file), Normalization.Symmetric);
        using var trunk = model is null ? Small(image.Channels) : ModelCatalog.Create(model, image.Channels);
        trunk.eval();
        using var streaming = new StreamingModule(trunk, options with { Progress = new Lines() });
        var plan = streaming.Plan(image.Height, image.Width);
        Say($"{image.Height} x {image.Width} px ({image.Height * image.Width / 1e6:0.0} MP), tiles of {plan.Tile.Height} x {plan.Tile.Width} px; all feature maps would take {plan.WholeBytes / 1e9:0.0} GB; carry {Math.Max(plan.CarryBytes, plan.CarryElsewhereBytes) / 1e6:0} MB on the {options.Carry}");

        using var head = Linear(ModelCatalog.OutputChannels(trunk), Classes);
        using var optimizer = optim.SGD(streaming.parameters().Concat(head.parameters()), 0.01);
        var step = MeasuredStep.Run(() => head.forward(streaming.forward(image).mean([2, 3])), () => optimizer.step());
        Say($"loss {step.Loss:0.0000}; forward {step.Forward.TotalSeconds:0.0} s, backward and update {(step.All - step.Forward).TotalSeconds:0.0} s, {image.Height * image.Width / 1e6 / step.All.TotalSeconds:0.0} MP/s");
        // The parameters are resident before the step; their gradients are not.
        var planned = plan.StepBytes - (plan.ParameterBytes / 2);
        Say($"peak resident memory of the whole process {step.Peak / 1e6:0} MB, {(step.Peak - step.Before) / 1e6:0} MB of it the step's; planned {planned / 1e6:0} MB");
        return 0;
    }

    /// <summary>A sixteenth of the pixels after the first layer, a thousandth at the end: a small network that sees every pixel.</summary>
    private static Sequential Small(int channels) => Sequential(
        Conv2d(channels, 16, 4, stride: 4), ReLU(),
        Conv2d(16, 32, 3, stride: 2, padding: 1), ReLU(),
        Conv2d(32, 32, 3, stride: 2, padding: 1), ReLU(),
        Conv2d(32, 64, 3, stride: 2, padding: 1), ReLU());

    private static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>A line for every tenth of the tiles of a pass, with the time that the pass still takes.</summary>
    private sealed class Lines : IProgress<TileProgress>
    {
        private readonly Stopwatch clock = new();

        public void Report(TileProgress value)
        {
            if (value.Done == 1)
                clock.Restart();
            else if (value.Done * 10 / value.Total > (value.Done - 1) * 10 / value.Total)
                Say($"{value.Pass} tile {value.Done} of {value.Total}, about {clock.Elapsed / (value.Done - 1) * (value.Total - value.Done):mm\\:ss} left, {Environment.WorkingSet / 1e6:0} MB");
        }
    }
}
