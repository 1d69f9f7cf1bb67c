using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A block that the engine can see into. Its computation is written once, as a graph of feature maps, and runs on whole images or streamed.
/// </summary>
/// <example>
/// <code>
/// sealed class Residual : StreamingBlock
/// {
///     private readonly Conv2d conv = nn.Conv2d(16, 16, 3, padding: 1);
///     public Residual() : base(nameof(Residual)) => RegisterComponents();
///     public override FeatureMap Trace(FeatureMap input) => input + input.Through(conv);
/// }
/// </code>
/// </example>
public abstract class StreamingBlock : Module<Tensor, Tensor>
{
    /// <summary>
    /// Creates the block. Constructors of derived types end with <c>RegisterComponents()</c>, as for any TorchSharp module.
    /// </summary>
    protected StreamingBlock(string name)
        : base(name)
    {
    }

    /// <summary>Describes the block's computation.</summary>
    /// <param name="input">The map that the block is applied to.</param>
    /// <returns>The map that it makes of it.</returns>
    public abstract FeatureMap Trace(FeatureMap input);

    /// <summary>Runs the traced graph on a whole tensor at once, with ordinary autograd.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C', H', W'].</returns>
    public sealed override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return GraphBuilder.TraceForward(this, ImageShape.Channels(input)).Whole(input)[0];
    }
}
