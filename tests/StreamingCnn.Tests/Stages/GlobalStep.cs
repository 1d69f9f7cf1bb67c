using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>One training step of a network that looks at whole maps, or of one with its loss, streamed and on the whole image.</summary>
internal static class GlobalStep
{
    /// <summary>The largest relative difference of outputs, gradients and buffers between both.</summary>
    /// <param name="make">Makes the network; called twice, with the same parameters copied.</param>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="options">How it is streamed.</param>
    /// <param name="loss">Of the output; null for a sum of products with fixed random numbers.</param>
    public static (string Name, double Error) Worst(
        Func<Module<Tensor, Tensor>> make, Tensor image, StreamingOptions options, Func<Tensor, Tensor>? loss = null) =>
        Worst(
            make,
            image,
            (network, leaf) => network.forward(leaf),
            (network, leaf) => new StreamingModule(network, options).forward(leaf),
            loss ?? (output => (output * Weights(output)).sum()));

    /// <summary>The same of a network and its loss.</summary>
    /// <param name="make">Makes the network; called twice, with the same parameters copied.</param>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="whole">The loss of an image by a network, by ordinary autograd.</param>
    /// <param name="streamed">The same, streamed.</param>
    public static (string Name, double Error) WorstOfLoss(
        Func<Module<Tensor, Tensor>> make,
        Tensor image,
        Func<Module<Tensor, Tensor>, Tensor, Tensor> whole,
        Func<Module<Tensor, Tensor>, Tensor, Tensor> streamed) => Worst(make, image, whole, streamed, output => output);

    private static (string Name, double Error) Worst(
        Func<Module<Tensor, Tensor>> make,
        Tensor image,
        Func<Module<Tensor, Tensor>, Tensor, Tensor> whole,
        Func<Module<Tensor, Tensor>, Tensor, Tensor> streamed,
        Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        var (first, second) = (make(), make());
        second.load_state_dict(first.state_dict());
        var expected = Step(first, image, whole, loss);
        return Step(second, image, streamed, loss).ErrorsAgainst(expected).MaxBy(error => error.Error);
    }

    private static StepResults Step(
        Module<Tensor, Tensor> network,
        Tensor image,
        Func<Module<Tensor, Tensor>, Tensor, Tensor> forward,
        Func<Tensor, Tensor> loss)
    {
        var leaf = image.detach().clone().requires_grad_();
        var output = forward(network, leaf);
        var results = StepResults.OfOutputs([output]);
        loss(output).backward();
        results.TakeGradient("image", leaf);
        foreach (var (name, parameter) in network.named_parameters())
            results.TakeGradient(name, parameter);
        foreach (var (name, buffer) in network.named_buffers())
            results.AddStatistic(name, buffer);
        return results;
    }

    private static Tensor Weights(Tensor like)
    {
        var numbers = arange(like.numel(), ScalarType.Float64).mul(0.7391).sin();
        return numbers.reshape(like.shape).to(like.dtype);
    }
}
