using StreamingCnn.Geometry;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>A binomial filter on a mirrored border, of which every so many outputs are computed.</summary>
internal sealed class BlurPoolLayer(BlurPool pool) : LocalLayer
{
    public override Module Module => pool;

    // A sum of several terms, each of which would be rounded.
    internal override bool IsRightInBFloat16 => false;

    internal override double ComparisonsPerPosition => 2 * pool.Size;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    public override AxisMap Along(Axis axis, long length)
    {
        var padding = new ReflectionPadding(length, pool.Padding.Before, pool.Padding.After);
        return new Composition(padding, new SlidingWindow(padding.OutputLength, pool.Size, pool.Stride));
    }

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        using var scope = NewDisposeScope();
        return Blurred(Blurred(inputs[0], 2, patch.Rows), 3, patch.Columns).MoveToOuterDisposeScope();
    }

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => pool.call(inputs[0]);

    private Tensor Blurred(Tensor window, int dimension, in AxisPatch patch)
    {
        var length = patch.Map.InputLength;
        var first = (pool.Stride * patch.Output.Start) - pool.Padding.Before;
        var count = (pool.Stride * (patch.Output.Length - 1)) + pool.Size;
        var padded = Border.FillFrom(
            window, dimension, patch.Span.Start, first, count, position => ReflectionPadding.Source(position, length));
        return pool.Blurred(padded, dimension);
    }
}
