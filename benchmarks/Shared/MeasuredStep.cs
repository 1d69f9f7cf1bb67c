using System.Diagnostics;
using StreamingCnn.Cli.Verification;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Benchmarks;

/// <summary>What one step of training took.</summary>
/// <param name="Loss">The loss.</param>
/// <param name="Forward">Until the loss was there.</param>
/// <param name="All">Until the weights were updated.</param>
/// <param name="Before">Bytes that were resident before.</param>
/// <param name="Peak">The most bytes that were resident.</param>
internal sealed record MeasuredStep(float Loss, TimeSpan Forward, TimeSpan All, long Before, long Peak)
{
    /// <summary>Runs a step of a classifier on one image, whose class is 1.</summary>
    /// <param name="scores">The image's scores [1, classes].</param>
    /// <param name="update">What becomes of the gradients.</param>
    public static MeasuredStep Run(Func<Tensor> scores, Action update)
    {
        PeakMemory.Reset();
        var before = PeakMemory.Bytes;
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        var loss = functional.cross_entropy(scores(), tensor(new long[] { 1 }));
        var forward = clock.Elapsed;
        loss.backward();
        update();
        return new(loss.item<float>(), forward, clock.Elapsed, before, PeakMemory.Bytes);
    }
}
