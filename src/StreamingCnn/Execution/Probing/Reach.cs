using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Probing;

/// <summary>
/// How far from a cut outputs change, found by spoiling all pixels on one side of it. NaN spreads where values are computed with, large
/// values where they are compared.
/// </summary>
internal static class Reach
{
    /// <summary>Measures a strip.</summary>
    /// <param name="module">The module.</param>
    /// <param name="axis">The axis that is cut.</param>
    /// <param name="length">Pixels along it.</param>
    /// <param name="across">Pixels along the other.</param>
    /// <param name="cut">Pixels that are spoilt, first at the beginning and then at the end.</param>
    /// <returns>One past the last output that the beginning changes, and the first that the end does; null where no output is
    /// left.</returns>
    public static (long Begin, long End)? Measure(ProbedModule module, Axis axis, long length, long across, long cut)
    {
        using var scope = NewDisposeScope();
        var dimension = axis.Dimension();
        var image = axis == Axis.Rows ? module.Plain(length, across) : module.Plain(across, length);
        var clean = module.Run(image);
        long begin = 0, end = clean.shape[dimension], outputs = end;
        var noise = image.abs().Plus(module.Large);
        foreach (var spoilt in (Tensor[])[empty_like(image).Filled(double.NaN), noise, -noise])
        {
            begin = Math.Max(begin, Changed(spoilt, 0) is { IsEmpty: false } first ? first.End : 0);
            end = Math.Min(end, Changed(spoilt, length - cut) is { IsEmpty: false } last ? last.Start : outputs);
            if (begin >= outputs || end <= 0)
                return null;
        }

        return (begin, end);

        Interval Changed(Tensor spoilt, long from)
        {
            using var inner = NewDisposeScope();
            var other = image.clone();
            other.narrow(dimension, from, cut).copy_(spoilt.narrow(dimension, from, cut));
            var map = module.Run(other);
            if (!map.shape.SequenceEqual(clean.shape))
                throw new ProbeException("makes maps of other sizes of other pixels");
            long[] others = [.. new long[] { 0, 1, 2, 3 }.Where(d => d != dimension)];
            var places = Rounding.Differs(map, clean).to(ScalarType.Float32).amax(others).nonzero();
            return places.numel() == 0 ? new(0, 0) : new(places.min().item<long>(), places.max().item<long>() + 1);
        }
    }

    /// <summary>The dimension of a tensor [N, C, H, W] that an axis is.</summary>
    public static int Dimension(this Axis axis) => axis == Axis.Rows ? 2 : 3;

    /// <summary>The dimension that the other axis is.</summary>
    public static int Other(this Axis axis) => 5 - axis.Dimension();
}
