using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Losses;

/// <summary>One training step, from an image to a number.</summary>
internal static class LossStep
{
    /// <summary>The largest relative difference of loss, gradients and buffers between an objective and its formula.</summary>
    /// <param name="make">Makes the network; called twice, with the same parameters copied.</param>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="whole">The loss of an image by a network, by ordinary autograd.</param>
    /// <param name="streamed">The same, streamed.</param>
    public static (string Name, double Error) Worst(
        Func<Module<Tensor, Tensor>> make,
        Tensor image,
        Func<Module<Tensor, Tensor>, Tensor, Tensor> whole,
        Func<Module<Tensor, Tensor>, Tensor, Tensor> streamed)
    {
        using var scope = NewDisposeScope();
        var (first, second) = (make(), make());
        second.load_state_dict(first.state_dict());
        var expected = Run(first, image, whole);
        return Run(second, image, streamed).ErrorsAgainst(expected).MaxBy(error => error.Error);
    }

    private static StepResults Run(
        Module<Tensor, Tensor> network, Tensor image, Func<Module<Tensor, Tensor>, Tensor, Tensor> forward)
    {
        var leaf = image.detach().clone().requires_grad_();
        var loss = forward(network, leaf);
        var results = StepResults.OfOutputs([loss]);
        loss.backward();
        results.TakeGradient("image", leaf);
        foreach (var (name, parameter) in network.named_parameters())
            results.TakeGradient(name, parameter);
        foreach (var (name, buffer) in network.named_buffers())
            results.AddStatistic(name, buffer);
        return results;
    }
}
