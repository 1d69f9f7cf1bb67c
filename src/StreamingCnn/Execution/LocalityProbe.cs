using StreamingCnn.Geometry;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Execution;

/// <summary>
/// Finds out which inputs a module's outputs read, by setting all pixels on one side of a line to NaN and looking how far that spreads. A module whose
/// outputs are all reached is not local.
/// </summary>
internal sealed class LocalityProbe
{
    private const long LargestImage = 8192;
    private const long LargestStride = 512;

    private readonly Module<Tensor, Tensor> module;
    private readonly long channels;
    private readonly ScalarType type;
    private readonly Device device;
    private readonly long across;

    private LocalityProbe(Module<Tensor, Tensor> module, long channels, ScalarType type, Device device)
    {
        this.module = module;
        this.channels = channels;
        this.type = type;
        this.device = device;
        across = SmallestSide();
    }

    /// <summary>Probes a module along both axes. Its mode is evaluation meanwhile, and is put back.</summary>
    /// <exception cref="UnsupportedLayerException">The module is not local, or not in a way that tiles can make use of.</exception>
    public static (WindowGeometry Rows, WindowGeometry Columns) Run(Module<Tensor, Tensor> module, long channels, ScalarType type, Device device)
    {
        var training = module.modules().Append(module).Where(m => m.training).ToArray();
        module.eval();
        try
        {
            using var grad = no_grad();
            using var scope = NewDisposeScope();
            var probe = new LocalityProbe(module, channels, type, device);
            return (probe.Along(Axis.Rows), probe.Along(Axis.Columns));
        }
        finally
        {
            foreach (var m in training)
                m.train();
            // train() sets the children as well; those that were in evaluation mode go back to it.
            foreach (var m in module.modules().Append(module).Except(training))
                m.eval();
        }
    }

    private WindowGeometry Along(Axis axis)
    {
        for (var length = Math.Max(64, 2 * across); length <= LargestImage; length *= 2)
        {
            long middle = length / 2, outputs = Outputs(axis, length);
            var stride = Stride(axis, length);
            if (Clean(axis, length, middle, nanBelow: false) is var before && before > 1
                && Clean(axis, length, middle, nanBelow: true) is var after && after > 1
                && before + after <= outputs + 1)
                return Check(axis, Measure(axis, length, stride), length);
        }

        throw Refuse($"is not local: its outputs read more than {LargestImage / 2} pixels");
    }

    /// <summary>Finds the pixels at which one more output becomes free of NaN: there its interval begins, or ends.</summary>
    private WindowGeometry Measure(Axis axis, long length, long stride)
    {
        var middle = length / 2;
        var clean = Clean(axis, length, middle, nanBelow: false);
        // Output `clean` becomes computable with one of the next `stride` pixels.
        var end = First(middle, middle + stride, x => Clean(axis, length, x, nanBelow: false) > clean);
        // The first output that reads nothing below the middle; it still reads nothing below some later pixels.
        var outputs = Outputs(axis, length);
        var first = outputs - Clean(axis, length, middle, nanBelow: true);
        var begin = First(middle, middle + stride, x => outputs - Clean(axis, length, x, nanBelow: true) > first) - 1;
        var longer = First(length, length + stride, n => Outputs(axis, n) > outputs);
        return new WindowGeometry(stride, begin - stride * first, end - stride * clean, stride * (outputs + 1) - longer);
    }

    private long Stride(Axis axis, long length)
    {
        var more = Outputs(axis, length + LargestStride) - Outputs(axis, length);
        return more > 0 && LargestStride % more == 0
            ? LargestStride / more
            : throw Refuse($"makes {more} outputs of {LargestStride} pixels; its stride must divide {LargestStride}, and the output must not be larger than the image");
    }

    /// <summary>Compares a window with the same place of a larger image: equal windows must give equal outputs.</summary>
    private WindowGeometry Check(Axis axis, WindowGeometry found, long length)
    {
        var image = Image(axis, length, rand);
        var whole = module.forward(image);
        var owned = new Interval(found.OutputLength(length) / 2, found.OutputLength(length) / 2 + 1);
        var window = found.Window(owned, length);
        var part = module.forward(Narrow(image, axis, window.Start, window.Length));
        var expected = Narrow(whole, axis, owned.Start, owned.Length);
        var actual = Narrow(part, axis, owned.Start - window.Start / found.Stride, owned.Length);
        var scale = expected.abs().max().to(ScalarType.Float64).item<double>();
        if (!((actual - expected).abs().max().to(ScalarType.Float64).item<double>() <= 1e-2 * scale))
            throw Refuse("gives other values on a window than on the whole image");
        return found;
    }

    /// <summary>How many outputs are free of NaN when the pixels below or from a position on are NaN.</summary>
    private long Clean(Axis axis, long length, long position, bool nanBelow)
    {
        using var scope = NewDisposeScope();
        var image = Image(axis, length, rand);
        var spoilt = nanBelow ? Narrow(image, axis, 0, position) : Narrow(image, axis, position, length - position);
        spoilt.fill_(float.NaN);
        var dimension = axis == Axis.Rows ? 2 : 3;
        long[] others = [.. new long[] { 0, 1, 2, 3 }.Where(d => d != dimension)];
        return module.forward(image).isnan().to(ScalarType.Float32).amax(others).eq(0).sum().item<long>();
    }

    private long Outputs(Axis axis, long length)
    {
        using var scope = NewDisposeScope();
        return module.forward(Image(axis, length, zeros)).shape[axis == Axis.Rows ? 2 : 3];
    }

    private long SmallestSide()
    {
        for (long side = 1; side <= LargestImage; side *= 2)
        {
            using var scope = NewDisposeScope();
            try
            {
                if (module.forward(zeros(1, channels, side, side, dtype: type, device: device)) is { Dimensions: 4 } output && output.numel() > 0)
                    return side;
            }
            catch (Exception tooSmall) when (tooSmall is System.Runtime.InteropServices.ExternalException or ArgumentException)
            {
                // Networks without padding refuse images below their receptive field.
            }
        }

        throw Refuse($"gives no map [N, C, H, W] for any image of {channels} channels up to {LargestImage} x {LargestImage} pixels");
    }

    private Tensor Image(Axis axis, long length, Func<long[], ScalarType?, Device?, Tensor> fill) =>
        fill(axis == Axis.Rows ? [1, channels, length, across] : [1, channels, across, length], type, device);

    private static Tensor rand(long[] size, ScalarType? type, Device? device) => TorchSharp.torch.rand(size, type, device);

    private static Tensor zeros(long[] size, ScalarType? type, Device? device) => TorchSharp.torch.zeros(size, type, device);

    private static Tensor zeros(long n, long c, long h, long w, ScalarType dtype, Device device) => zeros([n, c, h, w], dtype, device);

    private static Tensor Narrow(Tensor map, Axis axis, long start, long length) => map.narrow(axis == Axis.Rows ? 2 : 3, start, length);

    /// <summary>The first number in (after, last] for which a monotone condition holds.</summary>
    private static long First(long after, long last, Func<long, bool> holds)
    {
        while (last - after > 1)
        {
            var middle = (after + last) / 2;
            if (holds(middle))
                last = middle;
            else
                after = middle;
        }

        return last;
    }

    private UnsupportedLayerException Refuse(string reason) => new("", module.GetType().Name, reason + "; it cannot be run on overlapping tiles");
}
