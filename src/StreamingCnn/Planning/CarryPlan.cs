using System.Collections.Immutable;
using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// What is carried of one map: of each tile the rows [low, cut) above the next horizontal cut and the columns [low, cut) left of the next
/// vertical cut, each value stored once at either edge by its home tile. Where the strips would be larger than the map, tiles leave their
/// whole rectangles.
/// </summary>
internal sealed class CarryPlan
{
    private static readonly TileEdge[] WholeAlone = [TileEdge.Whole];
    private static readonly TileEdge[] BothStrips = [TileEdge.Bottom, TileEdge.Right];

    private readonly int node;
    private SeamLives? lives;
    private HomeRange? stripe;
    private Demand? demand;

    /// <param name="rowLayout">The grid along rows.</param>
    /// <param name="columnLayout">The grid along columns.</param>
    /// <param name="node">The map.</param>
    /// <param name="readers">The computed maps that read it, through views as well.</param>
    public CarryPlan(ExactlyOnceLayout rowLayout, ExactlyOnceLayout columnLayout, int node, IReadOnlyList<int> readers)
    {
        this.node = node;
        Rows = new SeamAxis(rowLayout, node, readers);
        Columns = new SeamAxis(columnLayout, node, readers);
        var (strips, whole) = (Strips().ToArray(), Whole().ToArray());
        KeepsWhole = Columns.IsCarried && whole.Sum(parts => parts.Positions) <= strips.Sum(parts => parts.Positions);
        Parts = [.. KeepsWhole ? whole : strips];
    }

    /// <summary>What tiles leave along rows.</summary>
    public SeamAxis Rows { get; }

    /// <summary>What tiles leave along columns.</summary>
    public SeamAxis Columns { get; private set; }

    /// <summary>Whether tiles with readers on both sides leave their whole rectangles.</summary>
    public bool KeepsWhole { get; }

    /// <summary>What all tiles leave, as products of lengths along rows and along columns.</summary>
    public ImmutableArray<SeamParts> Parts { get; private set; }

    /// <summary>Number of positions that are stored when everything is kept for the backward pass.</summary>
    public long Positions => stripe is { } columns
        ? Parts.Sum(part => part.Of(new(0, Rows.Steps), columns.Hull(ReadBy(columns))))
        : Parts.Sum(part => part.Positions);

    /// <summary>When each seam is read first and last, by the tiles that this process runs.</summary>
    public SeamLives Lives => lives ??= new SeamLives(this);

    /// <summary>The same where this process runs some columns of tiles alone.</summary>
    public CarryPlan Within(HomeRange columns)
    {
        var part = (CarryPlan)MemberwiseClone();
        (part.lives, part.stripe, part.Columns) = (null, columns, Columns.Within(columns));
        part.Parts = [.. KeepsWhole ? part.Whole() : part.Strips()];
        return part;
    }

    /// <summary>The same where a part of the maps is asked for alone: nothing else is stored.</summary>
    public CarryPlan Asking(Demand asked)
    {
        var part = (CarryPlan)MemberwiseClone();
        (part.lives, part.demand) = (null, asked);
        return part;
    }

    /// <summary>
    /// Of each column of tiles one that stands for it among those that this process runs: the nearest. -1 where the process holds no seam
    /// of the column.
    /// </summary>
    /// <param name="named">Of each column the one meant, where one process runs all; it is given back then.</param>
    public int[] InStripe(int[] named)
    {
        if (stripe is not { IsEmpty: false } columns)
            return named;
        // Between both there may be columns that the process neither reads nor runs.
        var read = ReadBy(columns);
        return [.. named.Select((name, column) =>
            read.Contains(column) || columns.Contains(column) ? Math.Clamp(name, columns.Start, columns.End - 1) : -1)];
    }

    /// <summary>The columns of tiles of which tiles in some columns read, themselves among them.</summary>
    public HomeRange ReadBy(HomeRange columns) => Columns.ReadBy(columns);

    /// <summary>What a tile stores of the rectangle that it computed.</summary>
    public IEnumerable<SeamPiece> Stored(int row, int column)
    {
        foreach (var edge in IsWhole(row, column) ? WholeAlone : BothStrips)
        {
            if (Held(edge, row, column) is { IsEmpty: false } held)
                yield return new(new(node, edge, row, column), held, held);
        }
    }

    /// <summary>What a tile's window reads of the tiles before it.</summary>
    public IEnumerable<SeamPiece> Read(int row, int column, Region window)
    {
        for (var i = Rows.HomeOf(window.Rows.Start, row); i <= row && Rows.Home(i).Start < window.Rows.End; i++)
        {
            for (var j = Columns.HomeOf(window.Columns.Start, column); j <= column && Columns.Home(j).Start < window.Columns.End; j++)
            {
                var part = window.Intersect(new(Rows.Home(i), Columns.Home(j)));
                if (part.IsEmpty || (i == row && j == column))
                    continue;
                var edge = IsWhole(i, j) ? TileEdge.Whole : i < row ? TileEdge.Bottom : TileEdge.Right;
                var held = Held(edge, i, j);
                yield return held.Contains(part)
                    ? new(new(node, edge, i, j), part, held)
                    : throw new InvalidOperationException($"The carry lacks {part} of map {node}: tile {i}, {j} stores {held}.");
            }
        }
    }

    /// <summary>The tiles of which a tile's window reads, along rows and along columns; itself among them.</summary>
    public (HomeRange Rows, HomeRange Columns) HomesRead(int row, int column)
    {
        HomeRange rows = default, columns = default;
        for (var reader = 0; reader < Rows.Readers; reader++)
        {
            var (along, across) = (Rows.Read(reader, row), Columns.Read(reader, column));
            if (!along.IsEmpty && !across.IsEmpty)
                (rows, columns) = (rows.Hull(along), columns.Hull(across));
        }

        return (rows, columns);
    }

    /// <summary>Positions of what some tiles leave for tiles below, or to the right.</summary>
    public long PositionsOf(TileEdge strips, HomeRange rows, HomeRange columns)
    {
        long positions = 0;
        foreach (var parts in Parts)
            positions += parts.Edge == strips || parts.Edge == TileEdge.Whole ? parts.Of(rows, columns) : 0;
        return positions;
    }

    /// <summary>Whether a tile leaves its whole rectangle.</summary>
    public bool IsWhole(int row, int column) =>
        KeepsWhole && !Rows.Chunk(row).IsEmpty && Rows.IsReadAtOnce(row) && !Columns.Chunk(column).IsEmpty;

    /// <summary>All that a seam holds.</summary>
    public Region Held(in SeamKey seam) => Held(seam.Edge, seam.Row, seam.Column);

    /// <summary>A seam of a tile, or null where it leaves nothing there.</summary>
    public SeamKey? Seam(TileEdge edge, int row, int column) =>
        IsWhole(row, column) == (edge == TileEdge.Whole) && !Held(edge, row, column).IsEmpty ? new(node, edge, row, column) : null;

    private Region Held(TileEdge edge, int row, int column)
    {
        var held = new Region(
            edge == TileEdge.Bottom ? Rows.Chunk(row) : edge == TileEdge.Whole || Rows.IsReadAtOnce(row) ? Rows.ReadHome(row) : default,
            edge == TileEdge.Right ? Columns.Chunk(column) : Columns.ReadHome(column));
        return demand is null ? held : held.Intersect(demand.Of(node, row, column));
    }

    // Rows that are not read along their own row of tiles are read from below alone.
    private IEnumerable<SeamParts> Strips() =>
    [
        new(TileEdge.Bottom, Rows.Chunks(), Columns.Homes()),
        new(TileEdge.Right, Rows.Homes(Rows.IsReadAtOnce), Columns.Chunks()),
    ];

    private IEnumerable<SeamParts> Whole() =>
    [
        new(
            TileEdge.Whole,
            Rows.Homes(row => Rows.IsReadAtOnce(row) && !Rows.Chunk(row).IsEmpty),
            Columns.Homes(column => !Columns.Chunk(column).IsEmpty)),
        new(TileEdge.Bottom, Rows.Chunks(Rows.IsReadAtOnce), Columns.Homes(column => Columns.Chunk(column).IsEmpty)),
        new(TileEdge.Bottom, Rows.Chunks(row => !Rows.IsReadAtOnce(row)), Columns.Homes()),
        new(TileEdge.Right, Rows.Homes(row => Rows.IsReadAtOnce(row) && Rows.Chunk(row).IsEmpty), Columns.Chunks()),
    ];
}
