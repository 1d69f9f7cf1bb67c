using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn;

/// <summary>Receives complete rows of a map, from top to bottom.</summary>
/// <param name="top">First row of the map that the tensor is for, from 0.</param>
/// <param name="rows">The rows, [N, C, rows, W], valid during the call only, as the values of <see cref="IMapSink.Write"/>.</param>
public delegate void MapRows(long top, Tensor rows);

/// <summary>
/// Makes complete rows of the rectangles of a map, for files that are written from top to bottom. No more is held than the rows that are
/// not complete: as many as the map advances by with a row of tiles.
/// </summary>
/// <param name="receiver">Gets the rows, each once.</param>
public sealed class RowSink(MapRows receiver) : IMapSink, IDisposable
{
    // Positions that have come of each row that is held.
    private readonly List<long> filled = [];
    private Tensor? held;
    private long first;

    /// <summary>Images in the batch, channels, height and width of the map; known once it has begun.</summary>
    public (long Batch, long Channels, long Height, long Width) Shape { get; private set; }

    /// <inheritdoc/>
    public void Begin(long batch, long channels, long height, long width)
    {
        Dispose();
        Shape = (batch, channels, height, width);
    }

    /// <inheritdoc/>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        long height = values.shape[2], width = values.shape[3];
        if (held is null && top == first && width == Shape.Width)
        {
            first += height;
            receiver(top, values);
            return;
        }

        using var scope = NewDisposeScope();
        Hold(top + height - first, values);
        held!.narrow(2, top - first, height).narrow(3, left, width).copy_(values);
        for (var row = top - first; row < top - first + height; row++)
            filled[(int)row] += width;
        HandOut();
    }

    /// <summary>Lets go of rows that never became complete.</summary>
    public void Dispose()
    {
        held?.Dispose();
        held = null;
        filled.Clear();
        first = 0;
    }

    /// <summary>Makes room for some rows.</summary>
    private void Hold(long rows, Tensor like)
    {
        if (rows <= filled.Count)
            return;
        var grown = empty(Shape.Batch, Shape.Channels, rows, Shape.Width, dtype: like.dtype, device: like.device).DetachFromDisposeScope();
        if (held is not null)
        {
            grown.narrow(2, 0, filled.Count).copy_(held);
            held.Dispose();
        }

        held = grown;
        while (filled.Count < rows)
            filled.Add(0);
    }

    private void HandOut()
    {
        var complete = filled.TakeWhile(positions => positions == Shape.Width).Count();
        if (complete == 0)
            return;
        var (rows, top) = (held!, first);
        held = complete < filled.Count ? rows.narrow(2, complete, filled.Count - complete).clone().DetachFromDisposeScope() : null;
        filled.RemoveRange(0, complete);
        first += complete;
        using (rows)
            receiver(top, rows.narrow(2, 0, complete));
    }
}
