using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A block with several inputs and outputs: two aligned images, an image and a mask, an image and features stored before.
/// <see cref="StreamingNetwork"/> streams it. Inputs may differ in size and channels, as long as the maps that are joined agree in size.
/// </summary>
/// <example>
/// <code>
/// sealed class Masked : MultiInputBlock
/// {
///     private readonly Conv2d conv = nn.Conv2d(3, 16, 4, stride: 4);
///     public Masked() : base(nameof(Masked), inputs: 2) => RegisterComponents();
///     public override IReadOnlyList&lt;FeatureMap&gt; Trace(IReadOnlyList&lt;FeatureMap&gt; inputs) =>
///         [FeatureMap.Concat(inputs[0].Through(conv), inputs[1])];
/// }
/// </code>
/// </example>
public abstract class MultiInputBlock : Module<Tensor[], Tensor[]>
{
    /// <summary>Creates the block. Constructors of derived types end with <c>RegisterComponents()</c>.</summary>
    /// <param name="name">The module's name.</param>
    /// <param name="inputs">Number of inputs.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no input.</exception>
    protected MultiInputBlock(string name, int inputs)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        Inputs = inputs;
    }

    /// <summary>Number of inputs.</summary>
    public int Inputs { get; }

    /// <summary>Describes the block's computation.</summary>
    /// <param name="inputs">The maps that the block is applied to, <see cref="Inputs"/> of them.</param>
    /// <returns>
    /// The outputs, at least one: maps, small tensors or both. A method that gives maps alone may return a list of <see
    /// cref="FeatureMap"/>.
    /// </returns>
    public abstract IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs);

    /// <summary>Runs the traced graph on whole tensors at once, with ordinary autograd.</summary>
    /// <param name="input">[N, C, H, W] for each input.</param>
    /// <returns>One tensor for each output: [N, C', H', W'], or a small one.</returns>
    /// <exception cref="ArgumentException">
    /// There are more or fewer tensors than inputs, or one has another shape than [N, C, H, W].
    /// </exception>
    public sealed override Tensor[] forward(Tensor[] input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Check(input.Length);
        return GraphBuilder.TraceForward(this, Array.ConvertAll(input, ImageShape.Channels)).Whole(input);
    }

    /// <exception cref="ArgumentException">The number is not the block's.</exception>
    internal void Check(int given)
    {
        if (given != Inputs)
        {
            throw new ArgumentException(
                $"{GetType().Name} has {Inputs} inputs, but {given} were given; give one for each, in the order of its Trace.");
        }
    }
}
