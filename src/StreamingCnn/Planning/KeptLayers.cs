using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// Which layers of which tiles keep their record from the forward pass, so that the backward pass need not compute them again: in each tile
/// those from some node on. Late layers hold little memory for their share of the work, so those of every tile are kept before early ones
/// of any; and of the tiles the last ones first, since the backward pass begins with them and their records weigh on few others.
/// </summary>
internal sealed class KeptLayers
{
    private readonly int[,] from;

    private KeptLayers(int[,] from, bool isAll, long bytes)
    {
        this.from = from;
        IsAll = isAll;
        Bytes = bytes;
        Cut = from.Cast<int>().Max();
    }

    /// <summary>The most bytes at a time of a tile's work, what tiles before it keep, and the carry.</summary>
    public long Bytes { get; }

    /// <summary>The node from which on every tile keeps its records.</summary>
    public int Cut { get; }

    /// <summary>Whether every record of every tile is kept.</summary>
    public bool IsAll { get; }

    /// <summary>The first node of the tile whose record is kept; the number of nodes where none is.</summary>
    public int From(int row, int column) => from[row, column];

    /// <summary>
    /// Nodes from which on records may be kept, in ascending order: everything, nothing, and behind layers that take time, the last of
    /// which is recorded again without being computed.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <param name="most">How many at most, everything and nothing left out.</param>
    public static int[] Cuts(NetworkGraph graph, int most)
    {
        int[] behind = [.. graph.Nodes.Where(node => node.Layer is { WorkPerPosition: > 0 }).Select(node => node.Index + 1)];
        // Powers of two, so that few are some of many.
        var step = 1;
        while (behind.Length > step * most)
            step *= 2;
        return [.. behind.Where((_, i) => i % step == 0).Prepend(graph.FirstLayer).Append(graph.Nodes.Count).Distinct()];
    }

    /// <summary>Bytes that are needed when every tile keeps the same layers, those that take least.</summary>
    public static long Least(StepMemory memory, int[] cuts) => cuts.Min(memory.Most);

    /// <summary>No record of any tile.</summary>
    /// <param name="memory">The memory of tiles.</param>
    /// <param name="nodes">Number of nodes.</param>
    public static KeptLayers Nothing(StepMemory memory, int nodes)
    {
        var (rows, columns) = memory.Order[^1];
        var from = new int[rows + 1, columns + 1];
        foreach (var (row, column) in memory.Order)
            from[row, column] = nodes;
        return new(from, isAll: false, memory.Most(nodes));
    }

    /// <summary>Chooses what to keep.</summary>
    /// <param name="memory">The memory of tiles.</param>
    /// <param name="cuts">Nodes from which on records may be kept, in ascending order.</param>
    /// <param name="budget">Bytes for a tile's work, all that is kept, and the carry. What is needed at least is never refused.</param>
    public static KeptLayers Choose(StepMemory memory, int[] cuts, long budget)
    {
        var (common, allowed) = Common(memory, cuts, budget);
        var order = memory.Order;
        var chosen = new int[order.Count];
        Array.Fill(chosen, common);
        foreach (var cut in cuts.Where(cut => cut < common).Reverse())
        {
            // What a tile keeps weighs on all behind it: what these leave free, of what is allowed.
            var before = Enumerable.Range(0, order.Count).Sum(tile => memory.Of(tile, chosen[tile]).Kept);
            var free = double.MaxValue;
            for (var tile = order.Count - 1; tile >= 0; tile--)
            {
                var (present, lower) = (memory.Of(tile, chosen[tile]), memory.Of(tile, cut));
                before -= present.Kept;
                if (lower.Kept - present.Kept <= free && memory.Bytes(tile, lower, before, common) <= allowed)
                {
                    free -= lower.Kept - present.Kept;
                    (chosen[tile], present) = (cut, lower);
                }

                free = Math.Min(free, (allowed - memory.Bytes(tile, present, before, common)) / memory.Gaps);
            }
        }

        var from = new int[order[^1].Row + 1, order[^1].Column + 1];
        foreach (var (tile, (row, column)) in order.Index())
            from[row, column] = chosen[tile];
        return new(from, chosen.Max() == cuts[0], memory.Most(tile => chosen[tile], chosen.Max()));
    }

    /// <summary>The first node whose record every tile can keep, and what is allowed; where nothing fits, what takes least.</summary>
    private static (int Cut, long Bytes) Common(StepMemory memory, int[] cuts, long budget)
    {
        var least = (Cut: 0, Bytes: long.MaxValue);
        foreach (var cut in cuts)
        {
            var bytes = memory.Most(cut);
            if (bytes <= budget)
                return (cut, budget);
            if (bytes < least.Bytes)
                least = (cut, bytes);
        }

        return least;
    }
}
