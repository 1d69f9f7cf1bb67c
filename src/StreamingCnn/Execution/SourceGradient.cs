using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// A source's gradient as tiles add to it, in reverse order. It is kept whole, or added up elsewhere, or handed out as soon as no tile that
/// is still to come reads a row; then only the rows between are held.
/// </summary>
/// <param name="source">The source, which says where the gradient goes.</param>
internal sealed class SourceGradient(MapSource source) : IDisposable
{
    // Gets finished rows; null to keep the whole gradient.
    private readonly ImageGradientRows? receiver = source.GradientRows;
    private Tensor? held;
    private Interval rows = new(source.Height, source.Height);

    /// <summary>Adds the gradient of a region.</summary>
    public void Add(Region region, Tensor gradient)
    {
        if (source.GradientParts is { } parts)
        {
            parts(region, gradient);
            return;
        }

        Reach(receiver is null ? 0 : region.Rows.Start);
        using var target = held!.Part(new Region(rows, source.Columns), region);
        target.Accumulate(gradient);
    }

    /// <summary>Tells that rows from <paramref name="first"/> on will not be added to any more.</summary>
    public void Finish(long first)
    {
        if (receiver is null || first >= rows.End)
            return;
        // A view that waited for the end of the pass would keep all of these rows until then.
        using var scope = NewDisposeScope();
        Reach(first);
        var finished = held!.narrow(2, first - rows.Start, rows.End - first);
        receiver(first, finished);
        var left = first > rows.Start ? source.GradientFormat.Copy(held.narrow(2, 0, first - rows.Start)).DetachFromDisposeScope() : null;
        held.Dispose();
        held = left;
        rows = rows with { End = first };
    }

    /// <summary>The whole gradient, which belongs to no scope; null where it went elsewhere.</summary>
    public Tensor? Take()
    {
        if (receiver is not null || source.GradientParts is not null)
            return null;
        Reach(0);
        var whole = held;
        held = null;
        return whole;
    }

    /// <summary>After which row no tile of each row of tiles, or of one before it, reads the source.</summary>
    public static long[] LastRowsRead(GridPlan plan, int source)
    {
        var last = new long[plan.Rows.Steps];
        var readers = Readers(plan, source).ToArray();
        for (var row = 0; row < last.Length; row++)
        {
            last[row] = row > 0 ? last[row - 1] : 0;
            foreach (var reader in readers)
            {
                if (!plan.Rows.Computed(reader, row).IsEmpty)
                    last[row] = Math.Max(last[row], plan.Rows.Patch(reader, row).Span.End);
            }
        }

        return last;
    }

    /// <inheritdoc/>
    public void Dispose() => held?.Dispose();

    /// <summary>The layers that read a map, by way of views of its window as well.</summary>
    private static IEnumerable<int> Readers(GridPlan plan, int map) =>
        plan.Graph.Consumers[map].SelectMany(reader => plan.Roles.IsView(reader) ? Readers(plan, reader) : [reader]);

    /// <summary>Holds zeros from a row on, where it held nothing yet.</summary>
    private void Reach(long first)
    {
        if (held is not null && first >= rows.Start)
            return;
        first = Math.Min(first, rows.Start);
        using var scope = NewDisposeScope();
        var grown = source.GradientFormat.Zeros(
            [source.Batch, source.Channels, rows.End - first, source.Columns.Length], source.Type, source.Device);
        if (held is not null)
        {
            grown.narrow(2, rows.Start - first, rows.Length).copy_(held);
            held.Dispose();
        }

        held = grown.DetachFromDisposeScope();
        rows = rows with { Start = first };
    }
}
