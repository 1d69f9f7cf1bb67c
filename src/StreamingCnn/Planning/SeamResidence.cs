using System.Collections.Immutable;

namespace StreamingCnn.Planning;

/// <summary>
/// How many values of seams are at hand while tiles run, for one image, where those that no tile needs at present wait elsewhere: what a
/// tile reads, what it stores, and what the next one reads, each once. Tiles that are alike, and so are those next to them in the order,
/// are looked at once.
/// </summary>
internal sealed class SeamResidence
{
    private readonly TileOrder order;
    private readonly List<(CarryPlan Carry, long Channels)> maps = [];
    private readonly SeamKinds rows;
    private readonly SeamKinds columns;
    private readonly Dictionary<(int, int, int, int, int, int), Pair> pairs = [];

    /// <param name="grid">The grid.</param>
    public SeamResidence(GridPlan grid)
    {
        order = grid.Order();
        foreach (var node in grid.Graph.Nodes)
        {
            if (grid.Carry(node.Index) is { } carry)
                maps.Add((carry, node.Channels));
        }

        rows = new SeamKinds(
            grid.Rows.Steps, step => maps.SelectMany(map => Signature(map.Carry.Rows, map.Carry.Parts, parts => parts.Rows, step)));
        columns = new SeamKinds(
            grid.Columns.Steps,
            step => maps.SelectMany(map => Signature(map.Carry.Columns, map.Carry.Parts, parts => parts.Columns, step)));
    }

    /// <summary>
    /// Values at hand while each tile runs, in the order of tiles: forwards, and on the way back until it is computed again, and then.
    /// </summary>
    public IEnumerable<(long Forward, long Recomputing, long Reversing)> AtHand()
    {
        for (var index = 0; index < order.Count; index++)
        {
            var tile = order[index];
            var alone = Of(tile, null);
            var forward = index + 1 < order.Count ? Of(tile, order[index + 1]) : alone;
            var back = index > 0 ? Of(tile, order[index - 1]) : alone;
            yield return (forward.Read + alone.Stored - forward.StoredAndRead, back.Read, index > 0 ? Of(order[index - 1], null).Read : 0);
        }
    }

    private Pair Of((int Row, int Column) tile, (int Row, int Column)? next)
    {
        var key = next is { } place
            ? (rows.Of(tile.Row), columns.Of(tile.Column), rows.Of(place.Row), columns.Of(place.Column),
                place.Row - tile.Row, place.Column - tile.Column)
            : (rows.Of(tile.Row), columns.Of(tile.Column), -1, -1, 0, 0);
        if (!pairs.TryGetValue(key, out var pair))
            pairs.Add(key, pair = Sum(tile, next));
        return pair;
    }

    private Pair Sum((int Row, int Column) tile, (int Row, int Column)? next)
    {
        var sum = default(Pair);
        foreach (var (carry, channels) in maps)
        {
            var homes = carry.HomesRead(tile.Row, tile.Column);
            var read = Read(carry, homes, tile);
            var both = 0L;
            if (next is { } place)
            {
                var others = carry.HomesRead(place.Row, place.Column);
                read += Read(carry, others, place) - Common(carry, homes, tile, others, place);
                both = StoredAndRead(carry, tile, others, place);
            }

            var stored = carry.Parts.Sum(parts => parts.Rows[tile.Row] * parts.Columns[tile.Column]);
            sum = new(sum.Read + (read * channels), sum.Stored + (stored * channels), sum.StoredAndRead + (both * channels));
        }

        return sum;
    }

    private static long Read(CarryPlan carry, (HomeRange Rows, HomeRange Columns) homes, (int Row, int Column) tile) =>
        carry.PositionsOf(TileEdge.Bottom, homes.Rows.Before(tile.Row), homes.Columns)
        + (homes.Rows.Contains(tile.Row)
            ? carry.PositionsOf(TileEdge.Right, new(tile.Row, tile.Row + 1), homes.Columns.Before(tile.Column))
            : 0);

    /// <summary>What two tiles both read.</summary>
    private static long Common(
        CarryPlan carry,
        (HomeRange Rows, HomeRange Columns) homes,
        (int Row, int Column) tile,
        (HomeRange Rows, HomeRange Columns) others,
        (int Row, int Column) place)
    {
        var (along, across) = (homes.Rows.Intersect(others.Rows), homes.Columns.Intersect(others.Columns));
        var above = Math.Min(tile.Row, place.Row);
        var common = carry.PositionsOf(TileEdge.Bottom, along.Before(above), across);
        if (!along.Contains(above))
            return common;
        // In the upper tile's own row it reads what lies to its left; a tile below reads the same only where that is whole rectangles.
        var left = tile.Row == place.Row ? Math.Min(tile.Column, place.Column) : tile.Row < place.Row ? tile.Column : place.Column;
        return common
            + carry.PositionsOf(tile.Row == place.Row ? TileEdge.Right : TileEdge.Whole, new(above, above + 1), across.Before(left));
    }

    /// <summary>What a tile stores and another one reads.</summary>
    private static long StoredAndRead(
        CarryPlan carry, (int Row, int Column) tile, (HomeRange Rows, HomeRange Columns) others, (int Row, int Column) place)
    {
        if (!others.Rows.Contains(tile.Row)
            || !others.Columns.Contains(tile.Column)
            || (tile.Row == place.Row && tile.Column >= place.Column))
            return 0;
        return carry.PositionsOf(
            tile.Row < place.Row ? TileEdge.Bottom : TileEdge.Right, new(tile.Row, tile.Row + 1), new(tile.Column, tile.Column + 1));
    }

    /// <summary>Which tiles' seams a tile reads along an axis, counted from itself, and how long those are.</summary>
    private static IEnumerable<long> Signature(
        SeamAxis axis, ImmutableArray<SeamParts> all, Func<SeamParts, long[]> along, int step)
    {
        var first = step;
        for (var reader = 0; reader < axis.Readers; reader++)
        {
            var read = axis.Read(reader, step);
            yield return read.IsEmpty ? -1 : step - read.Start;
            yield return read.IsEmpty ? -1 : step - read.End;
            first = read.IsEmpty ? first : Math.Min(first, read.Start);
        }

        foreach (var parts in all)
        {
            for (var home = first; home <= step; home++)
                yield return along(parts)[home];
        }
    }

    /// <summary>
    /// Values that a tile, or another one too, reads, each once; that the tile stores; and that it stores and the other one reads.
    /// </summary>
    private readonly record struct Pair(long Read, long Stored, long StoredAndRead);
}
