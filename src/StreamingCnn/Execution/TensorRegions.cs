using StreamingCnn.Geometry;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Rectangles of tensors [N, C, h, w] that hold a part of a map.</summary>
internal static class TensorRegions
{
    /// <summary>
    /// The view of <paramref name="part"/> in a tensor that holds <paramref name="region"/>; a new handle, also when they are equal.
    /// </summary>
    public static Tensor Part(this Tensor tensor, Region region, Region part) =>
        tensor.Part(part.Rows.Start - region.Rows.Start, part.Columns.Start - region.Columns.Start, part.Rows.Length, part.Columns.Length);

    /// <summary>The view of a rectangle, given by its first row and column and its size.</summary>
    public static Tensor Part(this Tensor tensor, long top, long left, long height, long width)
    {
        using var rows = tensor.narrow(2, top, height);
        return rows.narrow(3, left, width);
    }
}
