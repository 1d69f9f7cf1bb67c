namespace StreamingCnn.Planning;

/// <summary>
/// Seams at one edge of all tiles: that of tile (r, c) has <paramref name="Rows"/>[r] times <paramref name="Columns"/>[c] positions.
/// </summary>
internal sealed record SeamParts(TileEdge Edge, long[] Rows, long[] Columns)
{
    private readonly long[] rowsBefore = Before(Rows);
    private readonly long[] columnsBefore = Before(Columns);

    /// <summary>Positions of all of them.</summary>
    public long Positions => rowsBefore[^1] * columnsBefore[^1];

    /// <summary>Positions of those of some tiles.</summary>
    public long Of(HomeRange rows, HomeRange columns) =>
        rows.IsEmpty || columns.IsEmpty
            ? 0
            : (rowsBefore[rows.End] - rowsBefore[rows.Start]) * (columnsBefore[columns.End] - columnsBefore[columns.Start]);

    private static long[] Before(long[] lengths)
    {
        var before = new long[lengths.Length + 1];
        for (var step = 0; step < lengths.Length; step++)
            before[step + 1] = before[step] + lengths[step];
        return before;
    }
}
