using StreamingCnn.Geometry;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>
/// A layer whose output at a position depends on the input at that position alone: activations, norms over channels, scales.
/// </summary>
/// <param name="module">The module that computes it, on any rectangle.</param>
public class PointwiseLayer(Module<Tensor, Tensor> module) : LocalLayer
{
    /// <inheritdoc/>
    public override Module Module => module;

    /// <inheritdoc/>
    public override bool IsPointwise => true;

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    /// <inheritdoc/>
    public sealed override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    /// <inheritdoc/>
    public sealed override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Own(Apply(inputs[0]), inputs[0]);

    /// <inheritdoc/>
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => Own(module.call(inputs[0]), inputs[0]);

    /// <summary>Applies the layer to any rectangle [N, C, h, w], without changing it.</summary>
    protected virtual Tensor Apply(Tensor input) => module.forward(input);

    /// <summary>Input and output are disposed by themselves, but some modules return their very argument.</summary>
    private static Tensor Own(Tensor output, Tensor input) => ReferenceEquals(output, input) ? output.alias() : output;
}
