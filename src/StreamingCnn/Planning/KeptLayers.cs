namespace StreamingCnn.Planning;

/// <summary>
/// Which layers of which tiles keep their record from the forward pass, so that the backward pass need not compute them again. Late layers hold little memory for
/// their share of the work, so those of every tile are kept before early ones of any; and of the tiles the last ones first, since the backward pass begins with them.
/// </summary>
internal sealed class KeptLayers
{
    private readonly int tiles;

    private KeptLayers(int tiles, int cut, HashSet<(int Row, int Column)> last, long bytes)
    {
        this.tiles = tiles;
        Cut = cut;
        Last = last;
        Bytes = bytes;
    }

    /// <summary>The first node whose record every tile keeps; the number of nodes where none is kept.</summary>
    public int Cut { get; }

    /// <summary>The tiles at the end that keep everything.</summary>
    public IReadOnlySet<(int Row, int Column)> Last { get; }

    /// <summary>Bytes that are kept at most, but for those of the tile that the backward pass begins with, which it needs anyway.</summary>
    public long Bytes { get; }

    /// <summary>The first node of the tile whose record is kept; the number of nodes where none is.</summary>
    public int From(int row, int column) => Last.Contains((row, column)) ? 1 : Cut;

    /// <summary>Chooses what to keep.</summary>
    /// <param name="plan">The grid.</param>
    /// <param name="keptFrom">For a tile and a node, the bytes that the records from that node on keep.</param>
    /// <param name="total">The same, summed over all tiles.</param>
    /// <param name="budget">Bytes that may be kept besides what the first tile of the backward pass needs anyway.</param>
    /// <param name="free">Bytes of the largest tile's tape: as much is needed later, when what is kept is gone.</param>
    public static KeptLayers Choose(GridPlan plan, Func<int, int, int, long> keptFrom, Func<int, long> total, long budget, long free)
    {
        var allowed = Math.Max(0, budget) + free;
        var cut = plan.Graph.Nodes.Count;
        while (cut > 1 && total(cut - 1) <= allowed)
            cut--;

        // With the rest, the last tiles keep everything.
        var bytes = total(cut);
        var last = new HashSet<(int Row, int Column)>();
        if (cut > 1)
        {
            foreach (var (row, column) in plan.Order().Reverse())
            {
                var more = keptFrom(row, column, 1) - keptFrom(row, column, cut);
                if (bytes + more > allowed)
                    break;
                bytes += more;
                last.Add((row, column));
            }
        }

        return new(plan.Rows.Steps * plan.Columns.Steps, cut, last, Math.Max(0, bytes - free));
    }

    /// <summary>Whether every record of every tile is kept.</summary>
    public bool IsAll => Cut <= 1 || Last.Count == tiles;
}
