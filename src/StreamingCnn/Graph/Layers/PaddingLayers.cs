using StreamingCnn.Geometry;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>What the padding layers share. TorchSharp holds the padding as left, right, top, bottom.</summary>
internal abstract class PaddingLayer(PadBase pad) : LocalLayer
{
    public override Module Module => pad;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => pad.call(inputs[0]);

    protected (long Before, long After) Along(Axis axis) => pad.padding switch
    {
        [var all] => (all, all),
        [var left, var right] => axis == Axis.Columns ? (left, right) : (0, 0),
        [var left, var right, var top, var bottom] => axis == Axis.Columns ? (left, right) : (top, bottom),
        _ => throw new GeometryException($"has {pad.padding.Length} paddings; give 1, 2 or 4"),
    };

    // The copy with padding is the output itself.
    internal override long PaddedPositions(in Patch patch) => 0;

    /// <summary>What the record holds, where the output may be a part of the window.</summary>
    protected static LayerMemory MemoryOf(bool isPart) => new(KeepsInput: true, KeepsOutput: true) { OutputIsPart = isPart };

    /// <summary>Whether <see cref="Fill"/> copies nothing.</summary>
    protected bool IsPart(in Patch patch, Func<long, long, long> source)
    {
        return Is(patch.Rows, Axis.Rows) && Is(patch.Columns, Axis.Columns);

        bool Is(in AxisPatch along, Axis axis)
        {
            var length = along.Map.InputLength;
            return Border.IsPart(along.Output.Start - Along(axis).Before, along.Output.Length, position => source(position, length));
        }
    }

    /// <summary>Fills every position of the patch from the input position that stands there.</summary>
    protected Tensor Fill(Tensor window, in Patch patch, Func<long, long, long> source)
    {
        long height = patch.Rows.Map.InputLength, width = patch.Columns.Map.InputLength;
        var rows = Border.FillFrom(
            window, 2, patch.Rows.Span.Start, patch.Rows.Output.Start - Along(Axis.Rows).Before, patch.Rows.Output.Length, position =>
                source(position, height));
        return Border.FillFrom(
            rows,
            3,
            patch.Columns.Span.Start,
            patch.Columns.Output.Start - Along(Axis.Columns).Before,
            patch.Columns.Output.Length,
            position => source(position, width)).alias();
    }
}

/// <summary>ZeroPad2d and ConstantPad2d; negative padding crops.</summary>
internal sealed class ConstantPaddingLayer(PadBase pad) : PaddingLayer(pad)
{
    private readonly double value = pad.value;

    public override AxisMap Along(Axis axis, long length)
    {
        var (before, after) = Along(axis);
        // PyTorch crops before it pads, and cannot crop more than there is.
        if (length + Math.Min(before, 0) + Math.Min(after, 0) < 0)
            throw new GeometryException($"crops by ({before}, {after}) more than the {length} positions that there are");
        return new SlidingWindow(length, 1, before: before, after: after);
    }

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Border.FillConstant(inputs[0], patch, value).alias();

    internal override LayerMemory MemoryOf(in Patch patch) =>
        MemoryOf(isPart: !patch.IsPadded) with { GradientIsPart = !patch.IsPadded };
}

/// <summary>ReflectionPad2d.</summary>
internal sealed class ReflectionPaddingLayer(ReflectionPad2d pad) : PaddingLayer(pad)
{
    public override AxisMap Along(Axis axis, long length)
    {
        var (before, after) = Along(axis);
        return new ReflectionPadding(length, before, after);
    }

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Fill(inputs[0], patch, ReflectionPadding.Source);

    internal override LayerMemory MemoryOf(in Patch patch) => MemoryOf(IsPart(patch, ReflectionPadding.Source));
}

/// <summary>ReplicationPad2d.</summary>
internal sealed class ReplicationPaddingLayer(ReplicationPad2d pad) : PaddingLayer(pad)
{
    public override AxisMap Along(Axis axis, long length)
    {
        var (before, after) = Along(axis);
        return new ReplicationPadding(length, before, after);
    }

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Fill(inputs[0], patch, ReplicationPadding.Source);

    internal override LayerMemory MemoryOf(in Patch patch) => MemoryOf(IsPart(patch, ReplicationPadding.Source));
}
