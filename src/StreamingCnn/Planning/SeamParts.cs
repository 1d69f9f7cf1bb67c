namespace StreamingCnn.Planning;

/// <summary>Seams at one edge of all tiles: that of tile (r, c) has <paramref name="Rows"/>[r] times <paramref name="Columns"/>[c] positions.</summary>
internal sealed record SeamParts(TileEdge Edge, long[] Rows, long[] Columns)
{
    /// <summary>Positions of all of them.</summary>
    public long Positions { get; } = Rows.Sum() * Columns.Sum();
}
