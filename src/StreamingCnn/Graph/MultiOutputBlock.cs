using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>A block with several outputs, such as the stages of a feature pyramid; <see cref="StreamingPyramid"/> streams it.</summary>
public abstract class MultiOutputBlock : Module<Tensor, Tensor[]>
{
    /// <summary>Creates the block. Constructors of derived types end with <c>RegisterComponents()</c>.</summary>
    protected MultiOutputBlock(string name)
        : base(name)
    {
    }

    /// <summary>Describes the block's computation.</summary>
    /// <param name="input">The map that the block is applied to.</param>
    /// <returns>
    /// The outputs, at least one: maps, small tensors or both. A method that gives maps alone may return a list of <see
    /// cref="FeatureMap"/>.
    /// </returns>
    public abstract IReadOnlyList<NetworkValue> Trace(FeatureMap input);

    /// <summary>Runs the traced graph on a whole tensor at once, with ordinary autograd.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>One tensor for each output: [N, C', H', W'], or a small one.</returns>
    public sealed override Tensor[] forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return GraphBuilder.TraceForward(this, ImageShape.Channels(input)).Whole(input);
    }
}
