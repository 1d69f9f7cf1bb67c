using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>The gradient of a map, with what other processes have given of some of its columns.</summary>
/// <param name="own">What this process has given; it belongs to the gradient.</param>
/// <param name="strips">Columns [N, C, H, w] from others, each with its place; they belong to the gradient.</param>
internal sealed class HaloGradient(MapSource own, IReadOnlyList<(Interval Columns, Tensor Values)> strips)
    : MapSource(own.Batch, own.Channels, own.Height, own.Width, own.Type, own.Device)
{
    /// <inheritdoc/>
    public override void Prefetch(Region region) => own.Prefetch(region);

    /// <inheritdoc/>
    public override void Dispose()
    {
        own.Dispose();
        foreach (var (_, values) in strips)
            values.Dispose();
    }

    /// <inheritdoc/>
    protected override Tensor ReadRaw(Region region)
    {
        var sum = own.Read(region);
        var isOwn = false;
        foreach (var (columns, values) in strips)
        {
            var part = region with { Columns = region.Columns.Intersect(columns) };
            if (part.IsEmpty)
                continue;
            // What was read may be the map's own memory.
            sum = isOwn ? sum : sum.Format().Copy(sum);
            isOwn = true;
            using var target = sum.Part(region, part);
            using var strip = values.Part(new Region(new(0, Height), columns), part);
            using var given = strip.to(Type, Device).alias();
            target.Accumulate(given);
        }

        return sum;
    }
}
