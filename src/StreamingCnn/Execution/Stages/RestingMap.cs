using System.Runtime.ExceptionServices;
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
    // What is read of a window with one request after the other, and what is read to be added to; at least a row.
    private const long BytesToRead = 1 << 18;
    private const long BytesToAddTo = 4 << 20;
    private const int RequestsAtOnce = 4;

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
        foreach (var (rows, position, image) in Pieces(errand.Region, BytesToAddTo))
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
        try
        {
            // A disk is faster with several requests at a time.
            Parallel.ForEach(Pieces(region, BytesToRead), new ParallelOptions { MaxDegreeOfParallelism = RequestsAtOnce }, piece =>
            {
                using var pieces = NewDisposeScope();
                var rows = values[piece.Image].narrow(0, piece.Rows.Start - region.Rows.Start, piece.Rows.Length);
                Transfer(rows, piece.Position, isRead: true);
            });
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }

        if (shelf.Format == MapFormat.ChannelsFirst)
            read = read.contiguous();
        return read.to(shelf.Device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Store(Region region, Tensor values, bool isFirst)
    {
        // A sum is rounded once, when it has been made.
        var type = isFirst ? Type : values.dtype;
        var rowBytes = Math.Max(1, region.Columns.Length * Shape.Batch * Shape.Channels * ElementSize.Of(type));
        // What is more than may be on the way goes in several pieces.
        var atOnce = Math.Max(1, shelf.MostOnTheWay / 2 / rowBytes);
        for (var row = region.Rows.Start; row < region.Rows.End && !region.IsEmpty; row += atOnce)
        {
            var piece = region with { Rows = new(row, Math.Min(row + atOnce, region.Rows.End)) };
            shelf.Hold(piece.Rows.Length * rowBytes);
            using var scope = NewDisposeScope();
            var part = values.Part(region, piece).permute(0, 2, 3, 1);
            // A device puts them in order before they are moved, faster than the host could.
            var copy = values.device_type == DeviceType.CPU
                ? empty([Shape.Batch, piece.Rows.Length, piece.Columns.Length, Shape.Channels], type, CPU).copy_(part)
                : part.to(type).contiguous().to(CPU);
            shelf.Send(new(this, piece, piece.Rows.Length * rowBytes) { Values = copy.DetachFromDisposeScope(), IsFirst = isFirst });
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
    private IEnumerable<(Interval Rows, long Position, long Image)> Pieces(Region region, long bytes)
    {
        var atOnce = Math.Max(1, bytes / (region.Columns.Length * Shape.Channels * valueBytes));
        for (long image = 0; image < Shape.Batch; image++)
        {
            for (var row = region.Rows.Start; row < region.Rows.End; row += atOnce)
            {
                var before = (((image * Shape.Height) + row) * Shape.Width) + region.Columns.Start;
                var rows = new Interval(row, Math.Min(row + atOnce, region.Rows.End));
                yield return (rows, start + (before * Shape.Channels * valueBytes), image);
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
