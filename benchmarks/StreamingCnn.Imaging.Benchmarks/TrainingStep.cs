using System.Diagnostics;
using System.Globalization;
using StreamingCnn.Cli.Verification;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Imaging.Benchmarks;

/// <summary>One step of training on a whole file: forward, backward, and an update of the weights.</summary>
internal static class TrainingStep
{
    private const int Classes = 2;
    private const int Features = 64;

    public static int Run(string path, int tile, CarryPlace carry)
    {
        manual_seed(1);
        using var file = ImageSource.Open(path);
        using var image = new NormalizedSource(new PrefetchingSource(file), Normalization.Symmetric);
        // A sixteenth of the pixels after the first layer, a thousandth at the end: a small network that sees every pixel.
        using var trunk = Sequential(
            Conv2d(image.Channels, 16, 4, stride: 4), ReLU(),
            Conv2d(16, 32, 3, stride: 2, padding: 1), ReLU(),
            Conv2d(32, 32, 3, stride: 2, padding: 1), ReLU(),
            Conv2d(32, Features, 3, stride: 2, padding: 1), ReLU());
        using var streaming = new StreamingModule(trunk, new StreamingOptions { Tile = (tile, tile), Carry = carry, Progress = new Lines() });
        using var head = Linear(Features, Classes);
        using var optimizer = optim.SGD(streaming.parameters().Concat(head.parameters()), 0.01);
        var plan = streaming.Plan(image.Height, image.Width);
        Say($"{image.Height} x {image.Width} px ({image.Height * image.Width / 1e6:0.0} MP), tiles of {tile} px; all feature maps would take {plan.WholeBytes / 1e9:0.0} GB; carry {Math.Max(plan.CarryBytes, plan.CarryElsewhereBytes) / 1e6:0} MB on the {carry}");

        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        var loss = functional.cross_entropy(head.forward(streaming.forward(image).mean([2, 3])), tensor(new long[] { 1 }));
        var forward = clock.Elapsed;
        loss.backward();
        optimizer.step();
        Say($"loss {loss.item<float>():0.0000}; forward {forward.TotalSeconds:0.0} s, backward and update {(clock.Elapsed - forward).TotalSeconds:0.0} s, {image.Height * image.Width / 1e6 / clock.Elapsed.TotalSeconds:0.0} MP/s");
        Say($"peak resident memory of the whole process {PeakMemory.Bytes / 1e6:0} MB");
        return 0;
    }

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
