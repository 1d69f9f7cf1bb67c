using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>The k largest values of a map, and their places.</summary>
/// <param name="k">How many: 1 or more.</param>
/// <remarks>
/// Results: the values [N, C, k], the largest first; their places [N, C, k], row times width plus column. Of equal values those come first,
/// and stay, that are first in raster order, whichever tile comes first. A value that is no number is larger than any other.
/// </remarks>
public sealed class TopKReduction(long k) : MapReduction
{
    private readonly long k = k > 0 ? k : throw new ArgumentOutOfRangeException(nameof(k), k, "At least 1 value is taken.");

    /// <inheritdoc/>
    public override int Operands => 1;

    /// <inheritdoc/>
    public override int Results => 2;

    /// <inheritdoc/>
    public override double? Neutral => double.NegativeInfinity;

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels) => OperandChannels.Check(Name, channels, Operands);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The map has less than k positions.</exception>
    public override void CheckSize(long height, long width)
    {
        if (k > height * width)
            throw new ArgumentException($"The {k} largest values are asked for, but the map has {height} x {width} positions; ask for fewer, or give a larger image.");
    }

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape)
    {
        CheckSize(shape.Height, shape.Width);
        return new TopKRun(shape, k);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        CheckSize(maps[0].shape[2], maps[0].shape[3]);
        var (values, places) = maps[0].flatten(2).sort(2, descending: true, stable: true);
        return [values.narrow(2, 0, k), places.narrow(2, 0, k).to(ScalarType.Float64)];
    }
}
