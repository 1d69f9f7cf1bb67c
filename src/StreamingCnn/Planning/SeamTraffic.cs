namespace StreamingCnn.Planning;

/// <summary>
/// What tiles leave for tiles in other stripes. The same integers on every process: what one sends is what the other awaits.
/// </summary>
internal sealed class SeamTraffic
{
    private readonly GridPlan grid;
    private readonly Stripes stripes;

    // Of each map the columns of tiles that each stripe reads of.
    private readonly HomeRange[][] read;

    /// <param name="grid">The grid.</param>
    /// <param name="stripes">Who runs which of its columns.</param>
    public SeamTraffic(GridPlan grid, Stripes stripes)
    {
        (this.grid, this.stripes) = (grid, stripes);
        read = [.. grid.Graph.Nodes.Select(node => grid.Carry(node.Index) is { } carry
            ? Enumerable.Range(0, stripes.Count).Select(rank => carry.ReadBy(stripes.Of(rank))).ToArray()
            : [])];
    }

    /// <summary>
    /// What a row of tiles in one stripe leaves for another one further right, in an order that both know: with the map's channels.
    /// </summary>
    /// <param name="row">The row of tiles.</param>
    /// <param name="from">The stripe that leaves it.</param>
    /// <param name="to">The stripe that reads it.</param>
    /// <param name="counts">Which maps are meant; null for all.</param>
    public IEnumerable<(long Channels, SeamPiece Piece)> Of(int row, int from, int to, Func<int, bool>? counts = null)
    {
        foreach (var node in grid.Graph.Nodes)
        {
            if (grid.Carry(node.Index) is not { } carry || counts?.Invoke(node.Index) == false)
                continue;
            var homes = read[node.Index][to].Intersect(stripes.Of(from));
            for (var column = homes.Start; column < homes.End; column++)
            {
                foreach (var piece in carry.Stored(row, column))
                    yield return (node.Channels, piece);
            }
        }
    }
}
