using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>What nearest, bilinear and bicubic upsampling share: the module and the length it asks for.</summary>
internal abstract class UpsamplingLayer(Upsample upsample) : LocalLayer
{
    public override Module Module => upsample;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => upsample.call(inputs[0]);

    /// <summary>Why an Upsample cannot be streamed, or null.</summary>
    public static string? RefusalOf(Upsample upsample)
    {
        if (RefusalOf(upsample.mode) is { } refusal)
            return refusal;
        foreach (var factor in upsample.scale_factor)
        {
            if (factor < 1 || factor != Math.Floor(factor))
                return $"has the scale factor {factor}; give a whole number of at least 1, or the output size";
        }

        return null;
    }

    /// <summary>Why an interpolation cannot be streamed, or null.</summary>
    public static string? RefusalOf(UpsampleMode mode) => mode is UpsampleMode.Nearest or UpsampleMode.Bilinear or UpsampleMode.Bicubic
        ? null
        : $"interpolates with mode {mode}, which is not supported; use Nearest, Bilinear or Bicubic";

    protected long Resized(Axis axis, long length)
    {
        var which = axis == Axis.Rows ? 0 : 1;
        var size = upsample.size;
        if (size.Length > 0)
            return size[Math.Min(which, size.Length - 1)];
        var factor = upsample.scale_factor;
        return length * (long)factor[Math.Min(which, factor.Length - 1)];
    }
}

/// <summary>Upsample with the nearest neighbour.</summary>
internal sealed class NearestUpsamplingLayer(Upsample upsample) : UpsamplingLayer(upsample)
{
    public override AxisMap Along(Axis axis, long length) => new NearestResize(length, Resized(axis, length));

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Picked(inputs[0], patch);

    internal override LayerMemory MemoryOf(in Patch patch) => MemoryOfPicked(patch);

    /// <summary>A rectangle of the output from the window that it reads.</summary>
    public static Tensor Picked(Tensor window, in Patch patch) => Pick(Pick(window, 2, patch.Rows), 3, patch.Columns);

    /// <summary>What the record of such a rectangle holds.</summary>
    public static LayerMemory MemoryOfPicked(in Patch patch)
    {
        return new(KeepsInput: true, KeepsOutput: true) { OutputIsPart = IsPart(patch.Rows) && IsPart(patch.Columns) };

        static bool IsPart(in AxisPatch along) => Border.IsPart(along.Output.Start, along.Output.Length, ((NearestResize)along.Map).Source);
    }

    private static Tensor Pick(Tensor window, int dimension, AxisPatch patch)
    {
        var resize = (NearestResize)patch.Map;
        return Border.FillFrom(window, dimension, patch.Span.Start, patch.Output.Start, patch.Output.Length, resize.Source).alias();
    }
}

/// <summary>
/// Upsample with bilinear interpolation. The weights follow from the position in the whole map: interpolating windows by themselves
/// gives other weights wherever the factor is not a power of two.
/// </summary>
internal sealed class BilinearUpsamplingLayer(Upsample upsample) : UpsamplingLayer(upsample)
{
    private readonly bool alignCorners = upsample.align_corners ?? false;

    public override AxisMap Along(Axis axis, long length) => new LinearResize(length, Resized(axis, length), alignCorners);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Interpolated(inputs[0], patch);

    /// <summary>A rectangle of the output from the window that it reads.</summary>
    public static Tensor Interpolated(Tensor window, in Patch patch) =>
        Interpolate(Interpolate(window, 2, patch.Rows), 3, patch.Columns);

    private static Tensor Interpolate(Tensor window, int dimension, in AxisPatch patch)
    {
        var resize = (LinearResize)patch.Map;
        var count = (int)patch.Output.Length;
        var (lower, upper, weight) = (new long[count], new long[count], new double[count]);
        for (var i = 0; i < count; i++)
        {
            var source = resize.Source(patch.Output.Start + i);
            lower[i] = source.Lower - patch.Span.Start;
            upper[i] = source.Upper - patch.Span.Start;
            weight[i] = (double)source.Numerator / source.Denominator;
        }

        using var lowerIndex = tensor(lower, device: window.device);
        using var upperIndex = tensor(upper, device: window.device);
        long[] shape = dimension == 2 ? [count, 1] : [count];
        using var fraction = tensor(weight, dtype: window.dtype, device: window.device).reshape(shape);
        using var rest = fraction.neg().Plus(1);
        return (Border.Select(window, dimension, lowerIndex) * rest).Plus(Border.Select(window, dimension, upperIndex) * fraction);
    }
}

/// <summary>Upsample with bicubic interpolation, by weights that follow from the position in the whole map.</summary>
internal sealed class BicubicUpsamplingLayer(Upsample upsample) : UpsamplingLayer(upsample)
{
    // As PyTorch has it: Keys' kernel, with the slope that photographs are usually resized with.
    private const double Slope = -0.75;
    private const int Taps = 4;

    private readonly bool alignCorners = upsample.align_corners ?? false;

    // A sum of several terms, each of which would be rounded.
    internal override bool IsRightInBFloat16 => false;

    public override AxisMap Along(Axis axis, long length) => new CubicResize(length, Resized(axis, length), alignCorners);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Interpolated(inputs[0], patch);

    /// <summary>A rectangle of the output from the window that it reads.</summary>
    public static Tensor Interpolated(Tensor window, in Patch patch)
    {
        using var lines = Interpolate(window, 2, patch.Rows);
        return Interpolate(lines, 3, patch.Columns);
    }

    private static Tensor Interpolate(Tensor window, int dimension, in AxisPatch patch)
    {
        var resize = (CubicResize)patch.Map;
        var count = (int)patch.Output.Length;
        var positions = new long[Taps][];
        var weights = new double[Taps][];
        for (var tap = 0; tap < Taps; tap++)
            (positions[tap], weights[tap]) = (new long[count], new double[count]);
        for (var i = 0; i < count; i++)
        {
            var (input, numerator, denominator) = resize.Source(patch.Output.Start + i);
            var fraction = (double)numerator / denominator;
            for (var tap = 0; tap < Taps; tap++)
            {
                positions[tap][i] = resize.Inside(input + tap - 1) - patch.Span.Start;
                weights[tap][i] = Weight(Math.Abs(fraction + 1 - tap));
            }
        }

        Tensor? sum = null;
        for (var tap = 0; tap < Taps; tap++)
        {
            using var before = sum;
            using var part = Weighted(window, dimension, positions[tap], weights[tap]);
            sum = before is null ? part.alias() : before.Plus(part);
        }

        return sum!;
    }

    private static Tensor Weighted(Tensor window, int dimension, long[] positions, double[] weights)
    {
        long[] shape = dimension == 2 ? [weights.Length, 1] : [weights.Length];
        using var index = tensor(positions, device: window.device);
        using var factors = tensor(weights, dtype: window.dtype, device: window.device).reshape(shape);
        using var selected = Border.Select(window, dimension, index);
        return selected * factors;
    }

    /// <summary>The weight of an input at a distance, below 2, from the output.</summary>
    private static double Weight(double distance) => distance <= 1
        ? ((((Slope + 2) * distance) - (Slope + 3)) * distance * distance) + 1
        : ((((Slope * distance) - (5 * Slope)) * distance) + (8 * Slope)) * distance - (4 * Slope);
}

/// <summary>PixelShuffle: channels become positions.</summary>
internal sealed class PixelShuffleLayer(PixelShuffle shuffle) : LocalLayer
{
    private readonly long factor = shuffle.upscale_factor;

    public override Module Module => shuffle;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] % (factor * factor) == 0
        ? inputs[0] / (factor * factor)
        : throw new GeometryException($"needs a number of channels divisible by {factor * factor}, but gets {inputs[0]}");

    public override AxisMap Along(Axis axis, long length) => new Magnification(length, factor);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        var shuffled = functional.pixel_shuffle(inputs[0], factor);
        if (patch.Output.Area == factor * factor * patch.Input.Area)
            return shuffled;
        // A part that is copied does not keep the rest in memory.
        return shuffled
            .narrow(2, patch.Rows.Output.Start - factor * patch.Rows.Span.Start, patch.Rows.Output.Length)
            .narrow(3, patch.Columns.Output.Start - factor * patch.Columns.Span.Start, patch.Columns.Output.Length)
            .clone();
    }

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => shuffle.call(inputs[0]);
}

/// <summary>PixelUnshuffle: positions become channels.</summary>
internal sealed class PixelUnshuffleLayer(PixelUnshuffle unshuffle) : LocalLayer
{
    private readonly long factor = unshuffle.downscale_factor;

    public override Module Module => unshuffle;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] * factor * factor;

    public override AxisMap Along(Axis axis, long length) => length % factor == 0
        ? new SlidingWindow(length, factor, factor)
        : throw new GeometryException($"needs a length divisible by {factor}, but gets {length}");

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => functional.pixel_unshuffle(inputs[0], factor);

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => unshuffle.call(inputs[0]);
}
