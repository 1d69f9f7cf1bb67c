using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Cli.Benchmarking;

/// <summary>
/// A network on the whole image that keeps between its passes no more than what each segment reads: in the backward pass a segment is
/// computed again and differentiated by autograd, then the one before it. It is what <c>torch.utils.checkpoint</c> does. Layers that draw
/// random numbers would draw others the second time.
/// </summary>
internal sealed class CheckpointedTrunk
{
    private readonly IReadOnlyList<NetworkGraph> segments;

    /// <summary>Cuts a trunk into segments.</summary>
    /// <param name="trunk">The trunk.</param>
    /// <param name="channels">Channels of the image.</param>
    /// <param name="height">Height of the image.</param>
    /// <exception cref="UnsupportedLayerException">The engine does not know a layer, or it cannot be applied to the image.</exception>
    public CheckpointedTrunk(Module<Tensor, Tensor> trunk, long channels, long height) =>
        segments = CheckpointSegments.Of(GraphBuilder.Trace(trunk, channels).Local, height);

    /// <summary>Runs a step forwards and backwards, and adds to the parameters' gradients.</summary>
    /// <param name="image">[N, C, H, W].</param>
    /// <param name="loss">The loss of the trunk's output.</param>
    /// <returns>The loss.</returns>
    public Tensor Step(Tensor image, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        var images = new Stack<Tensor>();
        var map = image.alias();
        foreach (var segment in segments)
        {
            images.Push(map);
            map = Forward(segment, map);
        }

        map.requires_grad_(true);
        var value = loss(map);
        value.backward();
        var gradient = map.grad;
        map.Dispose();
        foreach (var segment in segments.Reverse())
        {
            using var input = images.Pop();
            using var before = gradient;
            gradient = before is null ? null : Backward(segment, input, before, isFirst: images.Count == 0);
        }

        return value.detach().MoveToOuterDisposeScope();
    }

    private static Tensor Forward(NetworkGraph segment, Tensor image)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return segment.Whole(image)[0].MoveToOuterDisposeScope();
    }

    private static Tensor? Backward(NetworkGraph segment, Tensor image, Tensor gradient, bool isFirst)
    {
        using var scope = NewDisposeScope();
        var leaf = image.detach().requires_grad_(!isFirst);
        Tensor output;
        using (enable_grad())
            output = segment.Whole(leaf)[0];
        if (output.requires_grad)
            output.backward([gradient]);
        return leaf.grad?.MoveToOuterDisposeScope();
    }
}
