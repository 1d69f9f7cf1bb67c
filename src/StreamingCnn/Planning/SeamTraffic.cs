namespace StreamingCnn.Planning;

/// <summary>
/// What tiles leave for tiles in other stripes. The same integers on every process: what one sends is what the other awaits.
/// </summary>
internal sealed class SeamTraffic
{
    private readonly GridPlan grid;
    private readonly Stripes stripes;

    // Of each map the columns of tiles that each stripe reads of, and what it holds of them, which few pairs of stripes ask for.
    private readonly HomeRange[][] read;
    private readonly CarryPlan?[][] held;

    /// <param name="grid">The grid.</param>
    /// <param name="stripes">Who runs which of its columns.</param>
    public SeamTraffic(GridPlan grid, Stripes stripes)
    {
        (this.grid, this.stripes) = (grid, stripes);
        read = [.. grid.Graph.Nodes.Select(node => grid.Carry(node.Index) is { } carry
            ? Enumerable.Range(0, stripes.Count).Select(rank => carry.ReadBy(stripes.Of(rank))).ToArray()
            : [])];
        held = Array.ConvertAll(read, columns => new CarryPlan?[columns.Length]);
    }

    /// <summary>Whether one stripe reads anything of another one further left.</summary>
    public bool Reads(int from, int to) => read.Any(all => all.Length > 0 && !all[to].Intersect(stripes.Of(from)).IsEmpty);

    /// <summary>
    /// What a row of tiles in one stripe leaves for another one further right, in an order that both know: with the map's channels. Of
    /// each seam it is what the other one reads, besides what this process holds.
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
                var reader = held[node.Index][to] ??= carry.Within(stripes.Of(to));
                foreach (var piece in reader.Stored(row, column))
                    yield return (node.Channels, piece with { Held = carry.Held(piece.Seam) });
            }
        }
    }
}
