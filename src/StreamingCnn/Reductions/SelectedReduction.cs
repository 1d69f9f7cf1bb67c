using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>The values of a map where another one is largest, or least: those of the instances that attention picks.</summary>
/// <param name="k">At how many positions: 1 or more.</param>
/// <param name="least">Whether it is where the other one is least.</param>
/// <remarks>
/// <para>Operands: the values [N, C, H, W]; the scores, with one channel. Those get no gradient: which positions are picked is no number
/// that could be differentiated.</para>
/// <para>
/// Results: the values [N, C, k], those of the largest score first, or of the least; the places [N, 1, k], row times width plus column. Of
/// equal scores those come first that are first in raster order. A score that is no number is larger than any other.
/// </para>
/// </remarks>
public sealed class SelectedReduction(long k, bool least = false) : MapReduction
{
    private readonly long k = k > 0 ? k : throw new ArgumentOutOfRangeException(nameof(k), k, "At least 1 position is taken.");

    /// <inheritdoc/>
    public override int Operands => 2;

    /// <inheritdoc/>
    public override int Results => 2;

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels)
    {
        OperandChannels.Check(Name, channels, Operands);
        if (channels[1] != 1)
            throw new ArgumentException($"{Name} takes scores of 1 channel, and not of {channels[1]}; give one score for each position.");
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The maps have less than k positions.</exception>
    public override void CheckSize(long height, long width)
    {
        if (k > height * width)
            throw new ArgumentException($"Values at {k} positions are asked for, but the map has {height} x {width} positions; ask for fewer, or give a larger image.");
    }

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape)
    {
        CheckSize(shape.Height, shape.Width);
        return new SelectedRun(shape, k, least);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        CheckSize(maps[0].shape[2], maps[0].shape[3]);
        var scores = maps[1].detach().flatten(2);
        var (_, places) = (least ? scores.neg() : scores).sort(2, descending: true, stable: true);
        places = places.narrow(2, 0, k);
        return [maps[0].flatten(2).gather(2, places.expand(-1, maps[0].shape[1], -1)), places.to(ScalarType.Float64)];
    }
}
