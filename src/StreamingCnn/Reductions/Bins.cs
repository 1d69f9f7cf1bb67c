namespace StreamingCnn.Reductions;

/// <summary>A bin of a map.</summary>
/// <param name="Number">Row by row.</param>
/// <param name="Area">Its positions.</param>
internal readonly record struct Bin(long Number, RectangleBlock Area);

/// <summary>How adaptive pooling divides a map.</summary>
internal sealed class Bins(ReductionShape shape, long rows, long columns)
{
    /// <summary>How many there are.</summary>
    public long Count => rows * columns;

    /// <summary>How many there are each way.</summary>
    public (long Rows, long Columns) Grid => (rows, columns);

    /// <summary>The map's bins, row by row.</summary>
    public IEnumerable<Bin> All() => In(new(0, 0, shape.Height, shape.Width));

    /// <summary>The bins that share positions with a rectangle, and which these are, counted from the map's corner.</summary>
    public IEnumerable<Bin> In(RectangleBlock rectangle)
    {
        for (long row = 0; row < rows; row++)
        {
            var (top, bottom) = Shared(row, rows, shape.Height, rectangle.Top, rectangle.Height);
            for (long column = 0; column < columns && bottom > top; column++)
            {
                var (left, right) = Shared(column, columns, shape.Width, rectangle.Left, rectangle.Width);
                if (right > left)
                    yield return new((row * columns) + column, new(top, left, bottom - top, right - left));
            }
        }
    }

    private static (long Start, long End) Shared(long bin, long bins, long length, long start, long extent) =>
        (Math.Max(start, bin * length / bins), Math.Min(start + extent, (((bin + 1) * length) + bins - 1) / bins));
}
