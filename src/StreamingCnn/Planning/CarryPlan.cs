using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>Which of the two bands of a map a piece is stored in.</summary>
internal enum BandKind
{
    /// <summary>Rows that tiles below read, over the full width; one tensor for each row of tiles.</summary>
    Rows,

    /// <summary>Columns that tiles to the right read; one tensor for each row of tiles, holding its own rows.</summary>
    Columns,
}

/// <summary>A rectangle of a map and where it stands in the carry.</summary>
/// <param name="Region">Positions in the map.</param>
/// <param name="Kind">Which band.</param>
/// <param name="TileRow">Which of the band's tensors.</param>
/// <param name="Top">First row in that tensor.</param>
/// <param name="Left">First column in that tensor.</param>
internal readonly record struct CarriedPiece(Region Region, BandKind Kind, int TileRow, long Top, long Left);

/// <summary>
/// What is carried of one map: the rows [low, cut) above every cut and the columns [low, cut) left of every cut, each value stored once in
/// either band by its home tile. Where the bands would be larger than the map, the map is kept whole.
/// </summary>
internal sealed class CarryPlan
{
    private readonly Band rows;
    private readonly Band columns;
    private readonly long width;
    private readonly bool whole;

    public CarryPlan(ExactlyOnceLayout rowLayout, ExactlyOnceLayout columnLayout, int node)
    {
        rows = new Band(rowLayout, node);
        columns = new Band(columnLayout, node);
        var height = rowLayout.Network.Length(node);
        width = columnLayout.Network.Length(node);
        var inBands = rows.Size * width + height * columns.Size;
        whole = columns.Size > 0 && inBands >= height * width;
        Positions = whole ? height * width : inBands;
    }

    /// <summary>Number of positions that are stored when everything is kept for the backward pass.</summary>
    public long Positions { get; }

    /// <summary>Height and width of a band's tensor for a row of tiles; one of them is 0 when nothing is stored.</summary>
    public (long Height, long Width) StoreShape(BandKind kind, int tileRow) => kind == BandKind.Columns
        ? whole ? (0, 0) : (rows.Home(tileRow).Length, columns.Size)
        : (StoredRows(tileRow).Length, width);

    /// <summary>Number of positions that a row of tiles stores.</summary>
    public long StoredPositions(int tileRow) => StoredPositions(tileRow, BandKind.Rows) + StoredPositions(tileRow, BandKind.Columns);

    /// <summary>Those in one of the two bands.</summary>
    public long StoredPositions(int tileRow, BandKind kind)
    {
        var (height, width) = StoreShape(kind, tileRow);
        return height * width;
    }

    /// <summary>One past the last row that a row of tiles stores for tiles below it.</summary>
    public long LastStoredRow(int tileRow) => StoredRows(tileRow).End;

    /// <summary>What a tile stores of the rectangle that it computed.</summary>
    public IEnumerable<CarriedPiece> Stored(int tileRow, int tileColumn)
    {
        var own = new Region(rows.Home(tileRow), columns.Home(tileColumn));
        var stored = own with { Rows = StoredRows(tileRow) };
        if (!stored.IsEmpty)
            yield return InRows(stored, tileRow);
        var right = own with { Columns = columns.Chunk(tileColumn) };
        if (!whole && !right.IsEmpty)
            yield return InColumns(right, tileRow, tileColumn);
    }

    /// <summary>What a tile's window reads of the tiles before it: all rows above its own, and left of it the columns before its own.</summary>
    public IEnumerable<CarriedPiece> Read(int tileRow, int tileColumn, Region window)
    {
        var own = new Region(rows.Home(tileRow), columns.Home(tileColumn));
        for (var above = new Interval(window.Rows.Start, Math.Min(own.Rows.Start, window.Rows.End)); !above.IsEmpty;)
        {
            var home = rows.HomeOf(above.Start, tileRow);
            var part = Stored(above, StoredRows(home));
            yield return InRows(window with { Rows = part }, home);
            above = above with { Start = part.End };
        }

        var beside = window.Rows.Intersect(own.Rows);
        for (var left = new Interval(window.Columns.Start, Math.Min(own.Columns.Start, window.Columns.End)); !left.IsEmpty && !beside.IsEmpty;)
        {
            if (whole)
            {
                yield return InRows(new Region(beside, left), tileRow);
                yield break;
            }

            var home = columns.HomeOf(left.Start, tileColumn);
            var part = Stored(left, columns.Chunk(home));
            yield return InColumns(new Region(beside, part), tileRow, home);
            left = left with { Start = part.End };
        }
    }

    private static Interval Stored(Interval wanted, Interval chunk)
    {
        var part = wanted.Intersect(chunk);
        return !part.IsEmpty && part.Start == wanted.Start
            ? part
            : throw new InvalidOperationException($"The carry lacks position {wanted.Start}: its home stores {chunk}.");
    }

    private Interval StoredRows(int tileRow) => whole ? rows.Home(tileRow) : rows.Chunk(tileRow);

    private CarriedPiece InRows(Region region, int tileRow) =>
        new(region, BandKind.Rows, tileRow, region.Rows.Start - StoredRows(tileRow).Start, region.Columns.Start);

    private CarriedPiece InColumns(Region region, int tileRow, int home) => new(
        region,
        BandKind.Columns,
        tileRow,
        region.Rows.Start - rows.Home(tileRow).Start,
        columns.Offset(home) + region.Columns.Start - columns.Chunk(home).Start);
}
