using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A block from a map to a small tensor: a pooling, a classifier. Like a <see cref="StreamingBlock"/> it is written once, and runs on whole
/// maps or streamed, where the map that it looks at never exists whole.
/// </summary>
/// <example>
/// <code>
/// sealed class Classifier : StreamingHead
/// {
///     private readonly Linear linear = nn.Linear(512, 2);
///     public Classifier() : base(nameof(Classifier)) => RegisterComponents();
///     public override GlobalTensor Trace(FeatureMap input) => input.Mean().Through(linear);
/// }
/// </code>
/// </example>
public abstract class StreamingHead : Module<Tensor, Tensor>
{
    /// <summary>Creates the head. Constructors of derived types end with <c>RegisterComponents()</c>.</summary>
    protected StreamingHead(string name)
        : base(name)
    {
    }

    /// <summary>Describes the computation.</summary>
    /// <param name="input">The map that the head is applied to.</param>
    /// <returns>The small tensor that it makes of it.</returns>
    public abstract GlobalTensor Trace(FeatureMap input);

    /// <summary>Runs the traced graph on a whole map at once, with ordinary autograd.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, K], or whatever shape the head gives.</returns>
    public sealed override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return GraphBuilder.TraceForward(this, ImageShape.Channels(input)).Whole(input)[0];
    }
}
