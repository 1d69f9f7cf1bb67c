using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Orders in which the tiles of a grid may run.</summary>
internal static class TileOrders
{
    /// <summary>Column by column.</summary>
    public static TileOrder ColumnMajor(int rows, int columns) =>
        TileOrder.Of(rows, columns, All(rows, columns).OrderBy(tile => tile.Column));

    /// <summary>Diagonal by diagonal, from the top right to the bottom left.</summary>
    public static TileOrder AntiDiagonal(int rows, int columns) =>
        TileOrder.Of(rows, columns, All(rows, columns).OrderBy(tile => tile.Row + tile.Column));

    /// <summary>At each step any of the tiles that may run.</summary>
    public static TileOrder Random(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var next = new int[rows];
        var places = new List<(int Row, int Column)>();
        while (places.Count < rows * columns)
        {
            var ready = Enumerable.Range(0, rows).Where(row => next[row] < columns && (row == 0 || next[row - 1] > next[row])).ToArray();
            var chosen = ready[random.Next(ready.Length)];
            places.Add((chosen, next[chosen]++));
        }

        return TileOrder.Of(rows, columns, places);
    }

    /// <summary>One of them by number, raster order among them.</summary>
    public static TileOrder Any(GridPlan plan, int number) => (number % 4) switch
    {
        0 => plan.Order(),
        1 => ColumnMajor(plan.Rows.Steps, plan.Columns.Steps),
        2 => AntiDiagonal(plan.Rows.Steps, plan.Columns.Steps),
        _ => Random(plan.Rows.Steps, plan.Columns.Steps, number),
    };

    private static TileOrder All(int rows, int columns) => TileOrder.Raster(rows, columns);
}
