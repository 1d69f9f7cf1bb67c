using StreamingCnn.Distributed.Threads;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Split;

/// <summary>One training step of a network on ranks that share the image, as each of them sees it.</summary>
internal static class SplitStep
{
    /// <summary>The largest relative difference of any rank's output, gradients and buffers from those of the whole image.</summary>
    /// <param name="ranks">How many ranks.</param>
    /// <param name="make">Makes the network; called once for each rank and once more, with the same parameters copied.</param>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="options">How it is streamed.</param>
    /// <param name="loss">Of the output; null for a sum of products with fixed random numbers.</param>
    public static (string Name, double Error) Worst(
        int ranks, Func<Module<Tensor, Tensor>> make, Tensor image, StreamingOptions options, Func<Tensor, Tensor>? loss = null)
    {
        var whole = make();
        var expected = Step(whole, whole.forward, image, loss ?? Weighted);
        return All(ranks, make, whole, image, options, loss)
            .SelectMany((results, rank) => results.ErrorsAgainst(expected).Select(error => ($"rank {rank}: {error.Name}", error.Error)))
            .MaxBy(error => error.Error);
    }

    /// <summary>What each rank gets.</summary>
    /// <param name="ranks">How many ranks.</param>
    /// <param name="make">Makes the network.</param>
    /// <param name="state">Whose parameters and buffers it has; those of a network that has not run.</param>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="options">How it is streamed.</param>
    /// <param name="loss">Of the output; null for a sum of products with fixed random numbers.</param>
    public static StepResults[] All(
        int ranks,
        Func<Module<Tensor, Tensor>> make,
        Module<Tensor, Tensor> state,
        Tensor image,
        StreamingOptions options,
        Func<Tensor, Tensor>? loss = null)
    {
        // One after the other: they draw from one generator.
        Module<Tensor, Tensor>[] networks = [.. Enumerable.Range(0, ranks).Select(_ => make())];
        foreach (var network in networks)
            Copy(state, network);
        var results = new StepResults[ranks];
        ThreadRanks.Run(ranks, communicator =>
        {
            var network = networks[communicator.Rank];
            var streaming = new StreamingModule(network, options with { SplitOver = communicator });
            results[communicator.Rank] = Step(network, streaming.forward, image, loss ?? Weighted);
        });
        return results;
    }

    /// <summary>A step of a network that is there once.</summary>
    public static StepResults Step(
        Module<Tensor, Tensor> network, Func<Tensor, Tensor> forward, Tensor image, Func<Tensor, Tensor> loss)
    {
        var leaf = image.detach().clone().requires_grad_();
        var output = forward(leaf);
        var results = StepResults.OfOutputs([output]);
        loss(output).backward();
        results.TakeGradient("image", leaf);
        foreach (var (name, parameter) in network.named_parameters())
            results.TakeGradient(name, parameter);
        foreach (var (name, buffer) in network.named_buffers())
            results.AddStatistic(name, buffer);
        return results;
    }

    private static Tensor Weighted(Tensor output) =>
        (output * arange(output.numel(), ScalarType.Float64).mul(0.7391).sin().reshape(output.shape)).sum();

    private static void Copy(Module from, Module to)
    {
        using var grad = no_grad();
        foreach (var (target, source) in to.parameters().Zip(from.parameters()))
            target.copy_(source);
    }
}
