using StreamingCnn.Geometry;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>A source that several stages read: it is the whole run's to dispose.</summary>
/// <param name="source">The source.</param>
internal sealed class SharedSource(MapSource source)
    : MapSource(source.Batch, source.Channels, source.Height, source.Width, source.Type, source.Device)
{
    public override void Prefetch(Region region) => source.Prefetch(region);

    public override void CheckUnchanged() => source.CheckUnchanged();

    public override void Dispose()
    {
    }

    protected override Tensor ReadRaw(Region region) => source.Read(region);
}

/// <summary>A gradient of zeros; of a map of no channels it says that there is one.</summary>
internal sealed class ZeroGradient(long batch, long channels, long height, long width, ScalarType type, Device device)
    : MapSource(batch, channels, height, width, type, device)
{
    public override void Dispose()
    {
    }

    protected override Tensor ReadRaw(Region region) =>
        zeros([Batch, Channels, region.Rows.Length, region.Columns.Length], dtype: Type, device: Device);
}

/// <summary>The sum of what has come for a map's gradient, and of each position's share of reductions of the map.</summary>
/// <param name="map">The map itself, where reductions look at it; null where none do.</param>
/// <param name="gradients">What has come.</param>
/// <param name="taps">The reductions.</param>
/// <param name="quantities">The run's sums.</param>
/// <param name="shape">A source of the same shape, type and device.</param>
internal sealed class SummedGradient(
    MapSource? map, IReadOnlyList<MapSource> gradients, IReadOnlyList<int> taps, IRunQuantities quantities, MapSource shape)
    : MapSource(shape.Batch, shape.Channels, shape.Height, shape.Width, shape.Type, shape.Device)
{
    public override void Prefetch(Region region)
    {
        foreach (var gradient in gradients)
            gradient.Prefetch(region);
        map?.Prefetch(region);
    }

    public override void Dispose()
    {
        foreach (var gradient in gradients)
            gradient.Dispose();
        map?.Dispose();
    }

    protected override Tensor ReadRaw(Region region)
    {
        Tensor? sum = null;
        var isOwn = false;
        foreach (var gradient in gradients)
            Add(gradient.Read(region), isFresh: false);
        if (taps.Count > 0)
        {
            var values = map!.Read(region);
            foreach (var tap in taps)
            {
                var found = quantities.Sums(tap)
                    .Gradient([values], region.Rows.Start, region.Columns.Start, quantities.ResultGradients(tap), [true])[0];
                if (found is not null)
                    Add(found, isFresh: true);
            }
        }

        return sum ?? zeros([Batch, Channels, region.Rows.Length, region.Columns.Length], dtype: Type, device: Device);

        void Add(Tensor part, bool isFresh)
        {
            if (sum is null)
                (sum, isOwn) = (part, isFresh);
            else if (isFresh && !isOwn)
                (sum, isOwn) = (part.Accumulate(sum), true);
            else if (isOwn)
                sum.Accumulate(part);
            else
                (sum, isOwn) = (sum.Plus(part), true);
        }
    }
}
