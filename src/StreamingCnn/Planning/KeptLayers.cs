namespace StreamingCnn.Planning;

/// <summary>
/// Which layers of which tiles keep their record from the forward pass, so that the backward pass need not compute them again. Late layers hold little memory for
/// their share of the work, so those of every tile are kept before early ones of any; and of the tiles the last ones first, since the backward pass begins with them.
/// </summary>
internal sealed class KeptLayers
{
    private readonly int tiles;
    private readonly int first;

    private KeptLayers(int tiles, int first, int cut, HashSet<(int Row, int Column)> last, long bytes)
    {
        this.tiles = tiles;
        this.first = first;
        Cut = cut;
        Last = last;
        Bytes = bytes;
    }

    /// <summary>The first node whose record every tile keeps; the number of nodes where none is kept.</summary>
    public int Cut { get; }

    /// <summary>The tiles at the end that keep everything.</summary>
    public IReadOnlySet<(int Row, int Column)> Last { get; }

    /// <summary>The most bytes at a time in the backward pass of a tile's work and of what all tiles before it keep.</summary>
    public long Bytes { get; }

    /// <summary>Whether every record of every tile is kept.</summary>
    public bool IsAll => Cut <= first || Last.Count == tiles;

    /// <summary>The first node of the tile whose record is kept; the number of nodes where none is.</summary>
    public int From(int row, int column) => Last.Contains((row, column)) ? first : Cut;

    /// <summary>Chooses what to keep.</summary>
    /// <param name="plan">The grid.</param>
    /// <param name="memory">A tile's memory.</param>
    /// <param name="budget">Bytes for a tile's work and all that is kept. What a single tile needs is never refused.</param>
    public static KeptLayers Choose(GridPlan plan, Func<int, int, TileMemory> memory, long budget)
    {
        (int Row, int Column)[] order = [.. plan.Order()];
        var memories = Array.ConvertAll(order, tile => memory(tile.Row, tile.Column));
        var allowed = Math.Max(budget, memories.Max(tile => tile.Peak));

        // The later the cut, the less is kept.
        var first = plan.Graph.FirstLayer;
        var (low, cut) = (first, plan.Graph.Nodes.Count);
        while (low < cut)
        {
            var middle = (low + cut) / 2;
            (low, cut) = Most(memories, middle) <= allowed ? (low, middle) : (middle + 1, cut);
        }

        // With the rest, the last tiles keep everything. That weighs on all tiles behind them, which the backward pass takes first.
        var before = memories.Sum(tile => tile.KeptFrom(cut));
        var last = new HashSet<(int Row, int Column)>();
        var most = 0L;
        var index = order.Length - 1;
        for (; index >= 0; index--)
        {
            var own = memories[index].KeptFrom(cut);
            var behind = most + memories[index].KeptFrom(first) - own;
            if (behind > allowed)
                break;
            before -= own;
            most = Math.Max(behind, before + memories[index].Peak);
            last.Add(order[index]);
        }

        return new(order.Length, first, cut, last, Math.Max(most, Most(memories[..(index + 1)], cut)));
    }

    /// <summary>The most bytes at a time when every tile keeps its layers from the cut on.</summary>
    private static long Most(IEnumerable<TileMemory> memories, int cut)
    {
        long kept = 0, most = 0;
        foreach (var tile in memories)
        {
            most = Math.Max(most, kept + tile.Peak);
            kept += tile.KeptFrom(cut);
        }

        return most;
    }
}
