using System.Collections;

namespace StreamingCnn.Planning;

/// <summary>
/// In which order tiles run forwards; backwards it is reversed. Any order does in which each tile comes behind those above it and to its
/// left, which alone it reads of.
/// </summary>
internal sealed class TileOrder : IReadOnlyList<(int Row, int Column)>
{
    private readonly HomeRange columns;
    private readonly (int Row, int Column)[]? places;

    private TileOrder(int rows, HomeRange columns, (int Row, int Column)[]? places)
    {
        Count = rows * (columns.End - columns.Start);
        this.columns = columns;
        this.places = places;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public (int Row, int Column) this[int index] => places is null
        ? (index / (columns.End - columns.Start), columns.Start + (index % (columns.End - columns.Start)))
        : places[index];

    /// <summary>Row by row.</summary>
    public static TileOrder Raster(int rows, int columns) => Raster(rows, new HomeRange(0, columns));

    /// <summary>Some columns alone, row by row.</summary>
    public static TileOrder Raster(int rows, HomeRange columns) => new(rows, columns, null);

    /// <summary>An order of all tiles of a grid.</summary>
    /// <exception cref="ArgumentException">A tile is missing, or comes before one that it may read of.</exception>
    public static TileOrder Of(int rows, int columns, IEnumerable<(int Row, int Column)> places)
    {
        var order = new TileOrder(rows, new(0, columns), [.. places]);
        var done = new bool[rows, columns];
        foreach (var (row, column) in order.places!)
        {
            if (done[row, column] || (row > 0 && !done[row - 1, column]) || (column > 0 && !done[row, column - 1]))
            {
                throw new ArgumentException(
                    $"An order of tiles must name each once, behind those above and left of it; tile {row}, {column} is out of order.",
                    nameof(places));
            }

            done[row, column] = true;
        }

        return order.places.Length == order.Count
            ? order
            : throw new ArgumentException(
                $"An order of tiles must name all {order.Count}; {order.places.Length} are named.", nameof(places));
    }

    /// <inheritdoc/>
    public IEnumerator<(int Row, int Column)> GetEnumerator()
    {
        for (var index = 0; index < Count; index++)
            yield return this[index];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
