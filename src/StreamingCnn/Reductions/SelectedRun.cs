using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>Values at the positions of the largest scores under way.</summary>
internal sealed class SelectedRun : ReductionRun
{
    private readonly ReductionShape shape;
    private readonly long k;
    private readonly bool least;
    private readonly bool masked;
    private readonly Tensor values;
    private readonly Tensor scores;
    private readonly Tensor places;

    public SelectedRun(ReductionShape shape, long k, bool least, bool masked)
    {
        (this.shape, this.k, this.least, this.masked) = (shape, k, least, masked);
        values = SmallTensors.Zeros(shape, shape.Channels[0], k);
        scores = SmallTensors.Zeros(shape, 1, k).fill_(SmallTensors.Least);
        places = SmallTensors.Zeros(shape, 1, k).fill_(MapPlaces.Nowhere);
    }

    public override IEnumerable<Tensor> Held => [values, scores, places];

    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        List<Tensor> allValues = [values], allScores = [scores], allPlaces = [places];
        foreach (var block in RectangleBlock.Of(rectangles[0], TopKRun.BlockBytes))
        {
            using var passing = NewDisposeScope();
            var positions = block.View(rectangles[1]).flatten(2);
            if (least)
                positions = positions.neg();
            var removed = masked ? block.View(rectangles[2]).flatten(2).logical_not() : null;
            if (removed is not null)
                positions = positions.masked_fill(removed, SmallTensors.Least);
            var within = TopKRun.Largest(positions, Math.Min(k, block.Positions));
            var picked = block.View(rectangles[0]).flatten(2).gather(2, within.expand(-1, shape.Channels[0], -1)).to(ScalarType.Float64);
            var places = MapPlaces.Of(within, block, top, left, shape.Width);
            if (removed?.gather(2, within) is { } isNone)
                (picked, places) = (picked.masked_fill(isNone, SmallTensors.Zero), places.masked_fill(isNone, MapPlaces.Nowhere));
            allValues.Add(picked.MoveToOuterDisposeScope());
            allScores.Add(positions.gather(2, within).to(ScalarType.Float64).MoveToOuterDisposeScope());
            allPlaces.Add(places.MoveToOuterDisposeScope());
        }

        Choose(cat(allValues, 2), cat(allScores, 2), cat(allPlaces, 2));
    }

    public override IReadOnlyList<Tensor> Parts() => [values, scores, places];

    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        Choose(cat([values, parts[0]], 2), cat([scores, parts[1]], 2), cat([places, parts[2]], 2));
    }

    public override IReadOnlyList<Tensor> Finish() => [values.clone(), places.clone()];

    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var found = SmallTensors.GradientsOf(rectangles, wanted);
        foreach (var gradient in found)
            gradient?.zero_();
        if (found[0] is { } ofValues && gradients[0] is { } given)
            MapPlaces.Scatter(given, places.expand(-1, shape.Channels[0], -1), ofValues, top, left, shape.Width);
        return found.Kept();
    }

    internal override IReadOnlyList<(long Row, long Column)> Moved(IReadOnlyList<Tensor?> gradients) =>
        gradients[0] is { } given ? MapPlaces.Of(given, places.expand(-1, shape.Channels[0], -1), shape.Width) : [];

    public override void Dispose()
    {
        values.Dispose();
        scores.Dispose();
        places.Dispose();
    }

    /// <summary>Keeps the candidates with the largest scores.</summary>
    private void Choose(Tensor candidates, Tensor theirScores, Tensor theirPlaces)
    {
        var chosen = TopKRun.First(theirScores, theirPlaces, k);
        values.copy_(candidates.gather(2, chosen.expand(-1, shape.Channels[0], -1)));
        scores.copy_(theirScores.gather(2, chosen));
        places.copy_(theirPlaces.gather(2, chosen));
    }
}
