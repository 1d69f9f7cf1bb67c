using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>Places of a map's values: row times width plus column, in float64, which holds all that there are exactly.</summary>
internal static class MapPlaces
{
    /// <summary>Behind the last place of any map.</summary>
    public static readonly Scalar Nowhere = (double)(1L << 53);

    /// <summary>Places in a map.</summary>
    /// <param name="within">The same places, counted within a block.</param>
    /// <param name="block">The block, within a rectangle.</param>
    /// <param name="top">The rectangle's first row.</param>
    /// <param name="left">The rectangle's first column.</param>
    /// <param name="width">The map's width.</param>
    public static Tensor Of(Tensor within, in RectangleBlock block, long top, long left, long width)
    {
        using Scalar blockWidth = block.Width, mapWidth = width, start = ((top + block.Top) * width) + left + block.Left;
        var (row, column) = (within.floor_divide(blockWidth), within.remainder(blockWidth));
        return row.mul_(mapWidth).add_(column, SmallTensors.One).add_(start, SmallTensors.One).to(ScalarType.Float64);
    }

    /// <summary>The places, as rows and columns, whose values are not 0.</summary>
    /// <param name="values">Values.</param>
    /// <param name="places">Theirs, of as many elements.</param>
    /// <param name="width">The map's width.</param>
    public static IReadOnlyList<(long Row, long Column)> Of(Tensor values, Tensor places, long width)
    {
        using var scope = NewDisposeScope();
        var moved = places.flatten()[values.flatten().ne(SmallTensors.Zero)].to(ScalarType.Int64).cpu().data<long>().ToArray();
        return [.. moved.Distinct().Select(place => (place / width, place % width))];
    }

    /// <summary>Adds values at places to the rectangle that holds them; others pass by.</summary>
    /// <param name="values">[N, C, k].</param>
    /// <param name="places">Theirs, [N, C, k]; those of an image and channel differ.</param>
    /// <param name="rectangle">What they are added to, [N, C, h, w].</param>
    /// <param name="top">The rectangle's first row.</param>
    /// <param name="left">The rectangle's first column.</param>
    /// <param name="width">The map's width.</param>
    public static void Scatter(Tensor values, Tensor places, Tensor rectangle, long top, long left, long width)
    {
        var shape = rectangle.shape;
        using Scalar mapWidth = width, rowsAbove = top, columnsBefore = left, height = shape[2], rectangleWidth = shape[3];
        var counted = places.to(ScalarType.Int64);
        var row = counted.floor_divide(mapWidth).sub_(rowsAbove);
        var column = counted.remainder(mapWidth).sub_(columnsBefore);
        var isOutside = row.lt(SmallTensors.Zero).logical_or(row.ge(height))
            .logical_or(column.lt(SmallTensors.Zero)).logical_or(column.ge(rectangleWidth));
        // What lies outside is added as zero to the first position.
        var within = row.mul_(rectangleWidth).add_(column, SmallTensors.One).masked_fill(isOutside, SmallTensors.Zero);
        rectangle.view(shape[0], shape[1], shape[2] * shape[3])
            .scatter_add_(2, within, values.masked_fill(isOutside, SmallTensors.Zero).to(rectangle.dtype));
    }
}
