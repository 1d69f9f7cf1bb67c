using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>One training step of a network that looks at whole maps, streamed and on the whole image.</summary>
internal static class GlobalStep
{
    /// <summary>The largest relative difference of outputs, gradients and buffers between both.</summary>
    /// <param name="make">Makes the network; called twice, with the same parameters copied.</param>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="options">How it is streamed.</param>
    /// <param name="loss">Of the output; null for a sum of products with fixed random numbers.</param>
    public static (string Name, double Error) Worst(
        Func<Module<Tensor, Tensor>> make, Tensor image, StreamingOptions options, Func<Tensor, Tensor>? loss = null)
    {
        using var scope = NewDisposeScope();
        var (whole, streamed) = (make(), make());
        streamed.load_state_dict(whole.state_dict());
        var expected = Step(whole, whole, image, loss);
        var actual = Step(new StreamingModule(streamed, options), streamed, image, loss);
        return actual.ErrorsAgainst(expected).MaxBy(error => error.Error);
    }

    private static StepResults Step(Module<Tensor, Tensor> module, Module<Tensor, Tensor> network, Tensor image, Func<Tensor, Tensor>? loss)
    {
        var leaf = image.detach().clone().requires_grad_();
        var output = module.forward(leaf);
        var results = StepResults.OfOutputs([output]);
        var value = loss is null ? (output * Weights(output)).sum() : loss(output);
        value.backward();
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
