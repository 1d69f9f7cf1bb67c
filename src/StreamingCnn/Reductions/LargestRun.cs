using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>The largest values of bins under way, with their places.</summary>
internal sealed class LargestRun : ReductionRun
{
    // The library copies a block whose rows are not one behind the other, so it should not be large; but merging costs the same for each.
    private const long BlockBytes = 4 << 20;

    private readonly ReductionShape shape;
    private readonly Bins bins;
    private readonly long[] resultShape;
    private readonly Tensor values;
    private readonly Tensor places;

    /// <summary>Begins.</summary>
    /// <param name="shape">The maps' shape.</param>
    /// <param name="bins">How they are divided.</param>
    /// <param name="resultShape">The results' shape, without the images.</param>
    public LargestRun(ReductionShape shape, Bins bins, long[] resultShape)
    {
        this.shape = shape;
        this.bins = bins;
        this.resultShape = [shape.Batch, .. resultShape];
        values = SmallTensors.Zeros(shape, shape.Channels[0], bins.Count).fill_(SmallTensors.Least);
        places = SmallTensors.Zeros(shape, shape.Channels[0], bins.Count).fill_(MapPlaces.Nowhere);
    }

    public override IEnumerable<Tensor> Held => [values, places];

    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var rectangle = rectangles[0];
        foreach (var (bin, area) in bins.In(new(top, left, rectangle.shape[2], rectangle.shape[3])))
        {
            using var passing = NewDisposeScope();
            var piece = area.Within(top, left).View(rectangle);
            var (value, place) = (values.select(2, bin), places.select(2, bin));
            List<Tensor> allValues = [value], allPlaces = [place];
            foreach (var block in RectangleBlock.Of(piece, BlockBytes))
            {
                var (largest, within) = nn.functional.adaptive_max_pool2d_with_indices(block.View(piece), [1, 1]);
                allValues.Add(largest.squeeze(3).squeeze(2).to(ScalarType.Float64));
                allPlaces.Add(MapPlaces.Of(within.squeeze(3).squeeze(2), block, area.Top, area.Left, shape.Width));
            }

            var (merged, where) = Largest(stack(allValues), stack(allPlaces));
            value.copy_(merged);
            place.copy_(where);
        }
    }

    public override IReadOnlyList<Tensor> Parts() => [values, places];

    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var (merged, where) = Largest(stack([values, parts[0]]), stack([places, parts[1]]));
        values.copy_(merged);
        places.copy_(where);
    }

    public override IReadOnlyList<Tensor> Finish() => [values.reshape(resultShape).clone(), places.reshape(resultShape).clone()];

    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted)
    {
        if (!wanted[0])
            return [null];
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var rectangle = rectangles[0];
        var found = SmallTensors.WideZerosOf(rectangle);
        if (gradients[0] is { } given)
        {
            var slopes = given.reshape(values.shape);
            // One bin after the other: a place may be that of several, and a device would add them up in any order.
            foreach (var (bin, _) in bins.In(new(top, left, rectangle.shape[2], rectangle.shape[3])))
            {
                using var passing = NewDisposeScope();
                MapPlaces.Scatter(slopes.narrow(2, bin, 1), places.narrow(2, bin, 1), found, top, left, shape.Width);
            }
        }

        return [found.to(rectangle.dtype).MoveToOuterDisposeScope()];
    }

    internal override IReadOnlyList<(long Row, long Column)> Moved(IReadOnlyList<Tensor?> gradients) =>
        gradients[0] is { } given ? MapPlaces.Of(given, places, shape.Width) : [];

    public override void Dispose()
    {
        values.Dispose();
        places.Dispose();
    }

    /// <summary>Of candidates [candidates, N, C] the largest. Of those that are no numbers the last has the place, as in PyTorch.</summary>
    private static (Tensor Value, Tensor Place) Largest(Tensor candidates, Tensor places)
    {
        var largest = candidates.amax([0]);
        var isNone = largest.isnan();
        var isLargest = candidates.eq(largest).logical_or(candidates.isnan());
        var order = where(isNone, places.neg(), places).masked_fill(isLargest.logical_not(), MapPlaces.Nowhere);
        return (largest, order.amin([0]).abs());
    }
}
