using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Outputs where tiles meet, as long as others are compared with them: some rows on either side of the edges above and below the row of
/// tiles that runs, and the last column of the tile before.
/// </summary>
/// <param name="outputs">All outputs.</param>
internal sealed class TileEdges(Region outputs) : IDisposable
{
    // Outputs that tell how large values are at a place.
    private const long Nearby = 16;

    private Interval rows;
    private (Region Region, Tensor Values)? above;
    private (Region Region, Tensor Values)? below;
    private (Region Region, Tensor Values)? beside;

    /// <summary>Notes what a tile has computed; tiles come in reading order.</summary>
    /// <param name="owned">What the tile answers for.</param>
    /// <param name="values">The values.</param>
    public void Add(Region owned, Tensor values)
    {
        if (owned.Rows != rows)
        {
            rows = owned.Rows;
            above?.Values.Dispose();
            above = below ?? New(rows with { End = rows.Start + Nearby + 1 }, values);
            below = New(new(Math.Max(rows.Start, rows.End - Nearby - 1), rows.End + Nearby + 1), values);
        }

        Copy(above!.Value);
        Copy(below!.Value);
        beside?.Values.Dispose();
        var last = owned with { Columns = new(owned.Columns.End - 1, owned.Columns.End) };
        beside = (last, values.Part(owned, last).clone().DetachFromDisposeScope());

        void Copy((Region Region, Tensor Values) band)
        {
            var part = band.Region.Intersect(owned);
            if (part.IsEmpty)
                return;
            using var target = band.Values.Part(band.Region, part);
            using var source = values.Part(owned, part);
            target.copy_(source);
        }
    }

    /// <summary>The line of outputs that a tile shares with the one above or beside it; asked for before the tile is added.</summary>
    /// <param name="owned">What the tile answers for.</param>
    /// <param name="shared">The line.</param>
    public Tensor Line(Region owned, Region shared)
    {
        // Before the first tile of a row is added, the edge above it is the one below the row that has run.
        var (region, values) = (shared.Rows.End > owned.Rows.Start ? beside : owned.Rows == rows ? above : below)!.Value;
        return values.Part(region, shared);
    }

    /// <summary>The outputs at a place on an edge of the row of tiles that has run, and those around it.</summary>
    /// <param name="edge">Above which row the edge is.</param>
    /// <param name="place">The place.</param>
    public (Tensor Place, Tensor Around) At(long edge, Region place)
    {
        var (region, values) = edge == rows.Start ? above!.Value : below!.Value;
        var done = region with { Rows = new(region.Rows.Start, Math.Min(region.Rows.End, rows.End)) };
        var around = new Region(Around(place.Rows), Around(place.Columns)).Intersect(done);
        return (values.Part(region, place), values.Part(region, around));

        static Interval Around(Interval outputs) => new(outputs.Start - Nearby, outputs.End + Nearby);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        above?.Values.Dispose();
        below?.Values.Dispose();
        beside?.Values.Dispose();
    }

    private (Region Region, Tensor Values) New(Interval wanted, Tensor like)
    {
        var region = outputs with { Rows = wanted.Intersect(outputs.Rows) };
        using (TensorHeap.Lasting())
        {
            long[] shape = [like.shape[0], like.shape[1], region.Rows.Length, region.Columns.Length];
            var values = empty(shape, dtype: like.dtype, device: like.device);
            return (region, values.DetachFromDisposeScope());
        }
    }
}
