using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>The values of a map where another one is largest, or least: those of the instances that attention picks.</summary>
/// <param name="k">At how many positions: 1 or more.</param>
/// <param name="least">Whether it is where the other one is least.</param>
/// <param name="masked">Whether a mask of one channel comes as the third operand: positions where it is 0 are not picked.</param>
/// <remarks>
/// <para>Operands: the values [N, C, H, W]; the scores, with one channel. Those get no gradient: which positions are picked is no number
/// that could be differentiated.</para>
/// <para>
/// Results: the values [N, C, k], those of the largest score first, or of the least; the places [N, 1, k], row times width plus column. Of
/// equal scores those come first that are first in raster order. A score that is no number is larger than any other. Where a mask leaves
/// fewer positions, the values behind theirs are 0, and their places lie outside of the map.
/// </para>
/// </remarks>
public sealed class SelectedReduction(long k, bool least = false, bool masked = false) : MapReduction
{
    private readonly long k = k > 0 ? k : throw new ArgumentOutOfRangeException(nameof(k), k, "At least 1 position is taken.");

    /// <inheritdoc/>
    public override int Operands => masked ? 3 : 2;

    /// <inheritdoc/>
    public override int Results => 2;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Selectors => masked ? [2] : [];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels)
    {
        OperandChannels.Check(Name, channels, Operands);
        if (channels[1] != 1)
            throw new ArgumentException($"{Name} takes scores of 1 channel, and not of {channels[1]}; give one score for each position.");
        if (masked && channels[2] != 1)
            throw new ArgumentException($"{Name} takes a mask of 1 channel, and not of {channels[2]}; join them before.");
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
        return new SelectedRun(shape, k, least, masked);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        CheckSize(maps[0].shape[2], maps[0].shape[3]);
        var scores = maps[1].detach().flatten(2);
        if (least)
            scores = scores.neg();
        var removed = masked ? maps[2].detach().flatten(2).logical_not() : null;
        if (removed is not null)
            scores = scores.masked_fill(removed, SmallTensors.Least);
        var (_, places) = scores.sort(2, descending: true, stable: true);
        places = places.narrow(2, 0, k);
        var values = maps[0].flatten(2).gather(2, places.expand(-1, maps[0].shape[1], -1));
        if (removed is null)
            return [values, places.to(ScalarType.Float64)];
        var isNone = removed.gather(2, places);
        return [values.masked_fill(isNone, SmallTensors.Zero), places.to(ScalarType.Float64).masked_fill(isNone, MapPlaces.Nowhere)];
    }
}
