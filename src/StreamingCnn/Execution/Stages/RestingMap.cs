using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Interop.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// A map that is elsewhere, channels last: image after image, each row by row, with all channels of a position together, so that
/// what a window has of a row is in one piece.
/// </summary>
internal sealed class RestingMap : StoredMap
{
    private readonly RestingMapShelf shelf;
    private readonly IScratch scratch;
    private readonly long valueBytes;
    private readonly long start;
    private bool isDisposed;

    /// <param name="shelf">Does the map's errands.</param>
    /// <param name="scratch">Where the map is.</param>
    /// <param name="shape">Size of the map.</param>
    /// <param name="type">Type of its values.</param>
    public RestingMap(RestingMapShelf shelf, IScratch scratch, MapShape shape, ScalarType type)
        : base(shape, type)
    {
        (this.shelf, this.scratch, valueBytes) = (shelf, scratch, ElementSize.Of(type));
        start = scratch.Take(shape.Values * valueBytes);
    }

    /// <inheritdoc/>
    public override void Rest() => shelf.Rest(this);

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        shelf.Forget(this);
        scratch.Give(start);
    }

    /// <summary>Writes a rectangle, or adds it to what is there.</summary>
    internal void Save(MapErrand errand)
    {
        using var scope = NewDisposeScope();
        foreach (var (rows, position, image) in Pieces(errand.Region))
        {
            using var piece = NewDisposeScope();
            var values = errand.Values![image].narrow(0, rows.Start - errand.Region.Rows.Start, rows.Length);
            if (!errand.IsFirst)
            {
                var sum = empty(values.shape, Type, CPU);
                Transfer(sum, position, isRead: true);
                values = sum.Accumulate(values);
            }

            Transfer(values, position, isRead: false);
        }
    }

    /// <summary>Reads a window, in no scope.</summary>
    internal Tensor Load(Region region)
    {
        using var scope = NewDisposeScope();
        var read = MapFormat.ChannelsLast.Empty(Shape.Of(region), Type, CPU);
        var values = read.permute(0, 2, 3, 1);
        foreach (var (rows, position, image) in Pieces(region))
        {
            using var piece = NewDisposeScope();
            Transfer(values[image].narrow(0, rows.Start - region.Rows.Start, rows.Length), position, isRead: true);
        }

        if (shelf.Format == MapFormat.ChannelsFirst)
            read = read.contiguous();
        return read.to(shelf.Device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Store(Region region, Tensor values, bool isFirst)
    {
        if (region.IsEmpty)
            return;
        // A sum is rounded once, when it has been made.
        var type = isFirst ? Type : values.dtype;
        var rowBytes = region.Columns.Length * Shape.Batch * Shape.Channels * ElementSize.Of(type);
        var atOnce = Math.Max(1, BytesAtOnce / rowBytes);
        for (var row = region.Rows.Start; row < region.Rows.End; row += atOnce)
        {
            var piece = region with { Rows = new(row, Math.Min(row + atOnce, region.Rows.End)) };
            var length = piece.Rows.Length;
            shelf.Hold(rowBytes * length);
            using var scope = NewDisposeScope();
            var copy = empty([Shape.Batch, length, region.Columns.Length, Shape.Channels], type, CPU);
            copy.copy_(values.narrow(2, row - region.Rows.Start, length).permute(0, 2, 3, 1));
            shelf.Send(new(this, piece, rowBytes * length) { Values = copy.DetachFromDisposeScope(), IsFirst = isFirst });
        }
    }

    /// <inheritdoc/>
    protected override void Finish() => shelf.Finish(this);

    /// <inheritdoc/>
    protected override void Ask(Region region)
    {
        if (!region.IsEmpty)
            shelf.Ask(new(this, region, region.Area * Shape.Batch * Shape.Channels * valueBytes));
    }

    /// <inheritdoc/>
    protected override Tensor Take(Region region)
    {
        var window = shelf.Take(this, region) ?? Load(region);
        CurrentDisposeScope?.Attach(window);
        return window;
    }

    /// <summary>Rows of a rectangle, those of one image together as far as they are not much, and where they begin.</summary>
    private IEnumerable<(Interval Rows, long Position, long Image)> Pieces(Region region)
    {
        var atOnce = Math.Max(1, BytesAtOnce / (region.Columns.Length * Shape.Channels * valueBytes));
        for (long image = 0; image < Shape.Batch; image++)
        {
            for (var row = region.Rows.Start; row < region.Rows.End; row += atOnce)
            {
                var position = (((((image * Shape.Height) + row) * Shape.Width) + region.Columns.Start) * Shape.Channels * valueBytes) + start;
                yield return (new(row, Math.Min(row + atOnce, region.Rows.End)), position, image);
            }
        }
    }

    /// <summary>Reads or writes rows of the map's type, [h, w, C] in one piece.</summary>
    private void Transfer(Tensor rows, long position, bool isRead)
    {
        var bytes = rows.bytes;
        var stride = Shape.Width * Shape.Channels * valueBytes;
        var length = (int)(bytes.Length / rows.shape[0]);
        // Whole rows touch.
        if (length == stride)
            length = bytes.Length;
        for (; bytes.Length > 0; bytes = bytes[length..], position += stride)
        {
            if (isRead)
                scratch.Read(bytes[..length], position);
            else
                scratch.Write(bytes[..length], position);
        }
    }
}
