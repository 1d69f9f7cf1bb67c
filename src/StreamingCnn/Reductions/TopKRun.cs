using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>The k largest values under way.</summary>
internal sealed class TopKRun : ReductionRun
{
    internal const long BlockBytes = 4 << 20;

    private readonly ReductionShape shape;
    private readonly long k;
    private readonly Tensor values;
    private readonly Tensor places;

    public TopKRun(ReductionShape shape, long k)
    {
        this.shape = shape;
        this.k = k;
        values = SmallTensors.Zeros(shape, shape.Channels[0], k).fill_(SmallTensors.Least);
        places = SmallTensors.Zeros(shape, shape.Channels[0], k).fill_(MapPlaces.Nowhere);
    }

    public override IEnumerable<Tensor> Held => [values, places];

    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        List<Tensor> allValues = [values], allPlaces = [places];
        foreach (var block in RectangleBlock.Of(rectangles[0], BlockBytes))
        {
            using var passing = NewDisposeScope();
            var positions = block.View(rectangles[0]).flatten(2);
            var within = Largest(positions, Math.Min(k, block.Positions));
            allValues.Add(positions.gather(2, within).to(ScalarType.Float64).MoveToOuterDisposeScope());
            allPlaces.Add(MapPlaces.Of(within, block, top, left, shape.Width).MoveToOuterDisposeScope());
        }

        Choose(cat(allValues, 2), cat(allPlaces, 2));
    }

    public override IReadOnlyList<Tensor> Parts() => [values, places];

    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        Choose(cat([values, parts[0]], 2), cat([places, parts[1]], 2));
    }

    public override IReadOnlyList<Tensor> Finish() => [values.clone(), places.clone()];

    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted)
    {
        if (!wanted[0])
            return [null];
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var found = SmallTensors.GradientOf(rectangles[0]).zero_();
        if (gradients[0] is { } given)
            MapPlaces.Scatter(given, places, found, top, left, shape.Width);
        return [found.MoveToOuterDisposeScope()];
    }

    internal override IReadOnlyList<(long Row, long Column)> Moved(IReadOnlyList<Tensor?> gradients) =>
        gradients[0] is { } given ? MapPlaces.Of(given, places, shape.Width) : [];

    public override void Dispose()
    {
        values.Dispose();
        places.Dispose();
    }

    /// <summary>Keeps the largest of candidates, [N, C, candidates].</summary>
    private void Choose(Tensor candidates, Tensor theirPlaces)
    {
        var chosen = First(candidates, theirPlaces, k);
        values.copy_(candidates.gather(2, chosen));
        places.copy_(theirPlaces.gather(2, chosen));
    }

    /// <summary>Which of candidates are the k largest, the largest first; of equals those with the least place.</summary>
    internal static Tensor First(Tensor candidates, Tensor theirPlaces, long k)
    {
        // By place, and then by value without disturbing that order among equals.
        var (_, order) = theirPlaces.sort(2);
        var (_, orderOfEquals) = candidates.gather(2, order).sort(2, descending: true, stable: true);
        return order.gather(2, orderOfEquals.narrow(2, 0, k));
    }

    /// <summary>
    /// Where the largest values are. The library says which they are, but takes any of those that equal the last: those are looked for
    /// again, from the front.
    /// </summary>
    internal static Tensor Largest(Tensor positions, long count)
    {
        var (largest, within) = positions.topk((int)count, 2);
        var last = largest.narrow(2, count - 1, 1);
        var (isLast, isTaken) = (Same(positions, last), Same(largest, last));
        var taken = isTaken.sum(2, keepdim: true);
        if (isLast.sum(2, keepdim: true).eq(taken).all().item<bool>())
            return within;

        using Scalar nowhere = positions.shape[2], all = count;
        var numbers = KeptScalars.Range(0, positions.shape[2], ScalarType.Int64, positions.device).expand_as(positions);
        var (first, _) = numbers.masked_fill(isLast.logical_not(), nowhere).topk((int)count, 2, largest: false);
        var rank = KeptScalars.Range(0, count, ScalarType.Int64, positions.device).expand_as(within).add(taken, SmallTensors.One).sub_(all);
        return where(isTaken, first.gather(2, rank.clamp_min(SmallTensors.Zero)), within);
    }

    private static Tensor Same(Tensor value, Tensor other) => value.eq(other).logical_or(value.isnan().logical_and(other.isnan()));
}
