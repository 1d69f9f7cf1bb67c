using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>MaxPool2d with padding, dilation and ceil mode. The border is filled with minus infinity.</summary>
internal sealed class MaxPoolingLayer(MaxPool2d pooling) : LocalLayer
{
    private readonly Pair kernel = Pair.From(pooling.kernel_size);
    private readonly Pair stride = Pair.From(pooling.stride, Pair.From(pooling.kernel_size));
    private readonly Pair padding = Pair.From(pooling.padding);
    private readonly Pair dilation = Pair.From(pooling.dilation, new(1, 1));

    public override Module Module => pooling;

    public override bool OutputIsFresh => true;

    internal override double ComparisonsPerPosition => kernel.Rows * kernel.Columns;

    // Each maximum's place is a 64-bit number. Kept from the forward pass, they would take twice the output's memory; to find
    // them again takes next to no time.
    internal override LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: true, KeepsOutput: false)
    {
        FollowsFromInput = true,
        RunsAgain = sizeof(long),
        GradientIsPadded = true,
        GradientIsFresh = true,
    };

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    public override AxisMap Along(Axis axis, long length)
    {
        PoolingPadding.Check(kernel[axis], padding[axis]);
        long k = kernel[axis], s = stride[axis], d = dilation[axis], p = padding[axis];
        // PyTorch writes outside of its memory where all taps of a window lie in the padding; with dilation they can step over a short map.
        for (var start = -p; start < 0; start += s)
        {
            var first = FirstInside(start, d);
            if (first >= length || first > start + d * (k - 1))
                throw new GeometryException(
                    $"has a window that holds nothing but padding: kernel {k}, dilation {d} and padding {p} on a length of {length}");
        }

        return new SlidingWindow(length, k, s, d, p, p, pooling.ceil_mode);
    }

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        var window = Border.FillConstant(inputs[0], patch, double.NegativeInfinity);
        if ((kernel.Rows == 1 && kernel.Columns == 1) || window.Format() == MapFormat.ChannelsLast)
            return functional.max_pool2d(window, kernel.ToArray(), stride.ToArray(), [0, 0], dilation.ToArray());

        // Along an axis where a window has one position the layer steps only, which gives a view of all: the other axis comes
        // last, and its maxima are memory of their own.
        var (first, last) = kernel.Columns == 1 ? (Axis.Columns, Axis.Rows) : (Axis.Rows, Axis.Columns);
        using var lines = MaximumAlong(window, first);
        return MaximumAlong(lines, last);
    }

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => pooling.call(inputs[0]);

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), RecordAlone(inputs, patch, wanted));

    internal override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        new Record(this, inputs[0].alias().DetachFromDisposeScope(), patch, wanted[0]);

    /// <summary>The record with the maxima's places.</summary>
    private PoolingRecord Find(Tensor input, in Patch patch, bool isWanted)
    {
        var window = Border.FillConstant(input, patch, double.NegativeInfinity);
        var (maxima, found) = functional.max_pool2d_with_indices(window, kernel.ToArray(), stride.ToArray(), [0, 0], dilation.ToArray());
        var places = patch.IsPadded ? InsideTheMap(found, maxima, patch) : found;
        maxima.Dispose();
        var arguments = new PoolingArguments(kernel, stride, dilation);
        return PoolingRecord.Of(
            input,
            window,
            patch,
            isWanted,
            (gradient, window) => ScriptedOperators.MaxPoolingBackward(gradient, window, places, arguments),
            places);
    }

    /// <summary>
    /// Places that lie in the map: where nothing in a window is above minus infinity, PyTorch takes its first position in
    /// the map for the maximum, and here that would be one of the padding.
    /// </summary>
    private Tensor InsideTheMap(Tensor places, Tensor maxima, in Patch patch)
    {
        using Scalar nothing = double.NegativeInfinity;
        using var bare = maxima.eq(nothing);
        if (!bare.any().item<bool>())
            return places;
        using var rows = FirstTaps(patch.Rows, Axis.Rows, places.device).unsqueeze(1);
        using var columns = FirstTaps(patch.Columns, Axis.Columns, places.device);
        return where(bare, rows.Times(patch.Columns.PaddedLength).Plus(columns), places);
    }

    /// <summary>For each window its first tap in the map, as a position of the copy with padding.</summary>
    private Tensor FirstTaps(in AxisPatch patch, Axis axis, Device device)
    {
        var (first, span) = (stride[axis] * patch.Output.Start - padding[axis], patch.Span);
        return tensor(
            [
                .. Enumerable.Range(0, (int)patch.Output.Length)
                    .Select(i => FirstInside(first + (i * stride[axis]), dilation[axis]) - span.Start + span.Before),
            ],
            ScalarType.Int64,
            device);
    }

    /// <summary>The first tap of a window that lies in the map.</summary>
    private static long FirstInside(long start, long dilation) =>
        start >= 0 ? start : start + (Division.Ceiling(-start, dilation) * dilation);

    /// <summary>
    /// The maximum of each window along one dimension. Without a backward pass nobody asks where it stands, and whole rows compared at once
    /// take a fraction of the time; where channels come last, the library compares all of a position's at once itself.
    /// </summary>
    private Tensor MaximumAlong(Tensor window, Axis axis)
    {
        var dimension = axis == Axis.Rows ? 2 : 3;
        var reach = dilation[axis] * (kernel[axis] - 1);
        var last = (window.shape[dimension] - reach - 1) / stride[axis] * stride[axis];
        var maximum = Tap(0);
        for (long tap = 1; tap < kernel[axis]; tap++)
        {
            using var smaller = maximum;
            using var next = Tap(tap);
            maximum = smaller.maximum(next);
        }

        return maximum;

        Tensor Tap(long tap) => window.slice(dimension, tap * dilation[axis], (tap * dilation[axis]) + last + 1, stride[axis]);
    }

    private sealed class Record(MaxPoolingLayer layer, Tensor window, Patch patch, bool isWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [window];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            using var found = layer.Find(window, patch, isWanted);
            window.Dispose();
            return found.Backward(gradient, parameters);
        }

        public override void Dispose() => window.Dispose();
    }
}

/// <summary>AvgPool2d with padding, ceil mode, and both ways of counting the border.</summary>
internal sealed class AveragePoolingLayer(AvgPool2d pooling) : LocalLayer
{
    private readonly Pair kernel = Pair.From(pooling.kernel_size);
    private readonly Pair stride = Pair.From(pooling.stride, Pair.From(pooling.kernel_size));
    private readonly Pair padding = Pair.From(pooling.padding);

    public override Module Module => pooling;

    public override bool OutputIsFresh => true;

    internal override LayerMemory MemoryOf(in Patch patch) => PoolingRecord.Memory;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    public override AxisMap Along(Axis axis, long length)
    {
        PoolingPadding.Check(kernel[axis], padding[axis]);
        return new SlidingWindow(length, kernel[axis], stride[axis], 1, padding[axis], padding[axis], pooling.ceil_mode);
    }

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        var window = Border.FillConstant(inputs[0], patch);
        var mean = Mean(window, patch);
        if (!ReferenceEquals(window, inputs[0]))
            window.Dispose();
        return mean;
    }

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => pooling.call(inputs[0]);

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
    {
        var window = Border.FillConstant(inputs[0], patch);
        var place = patch;
        return (Mean(window, patch), PoolingRecord.Of(inputs[0], window, patch, wanted[0], Backward));

        Tensor Backward(Tensor gradient, Tensor window)
        {
            using var share = Divided(gradient, place);
            return ScriptedOperators.SumPoolingBackward(share, window, new(kernel, stride, new(1, 1)));
        }
    }

    private Tensor Mean(Tensor window, in Patch patch)
    {
        using var sum = functional.avg_pool2d(window, kernel.ToArray(), stride.ToArray(), [0, 0], false, true, 1);
        return Divided(sum, patch);
    }

    private Tensor Divided(Tensor map, in Patch patch)
    {
        if (pooling.divisor_override is { } divisor)
            return map.Over(divisor);

        // The two-axis divisor is the product of the divisors of each axis.
        using var rows = Divisors(patch.Rows, Axis.Rows, map).unsqueeze(1);
        using var columns = Divisors(patch.Columns, Axis.Columns, map);
        using var both = rows * columns;
        return map / both;
    }

    private Tensor Divisors(in AxisPatch patch, Axis axis, Tensor like)
    {
        long k = kernel[axis], s = stride[axis], p = padding[axis], n = patch.Map.InputLength;
        var divisors = new double[patch.Output.Length];
        for (var i = 0; i < divisors.Length; i++)
        {
            var start = s * (patch.Output.Start + i) - p;
            // In ceil mode the last window overhangs the padding; the overhang counts in neither way.
            divisors[i] = pooling.count_include_pad
                ? Math.Min(start + k, n + p) - start
                : Math.Min(start + k, n) - Math.Max(start, 0);
        }

        return tensor(divisors, dtype: like.dtype, device: like.device);
    }
}

internal static class PoolingPadding
{
    public static void Check(long kernel, long padding)
    {
        if (padding < 0 || padding > kernel / 2)
            throw new GeometryException($"pads by {padding}, but PyTorch allows at most half of the kernel ({kernel})");
    }
}
