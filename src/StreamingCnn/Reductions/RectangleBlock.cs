using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>A part of a rectangle, small enough that what is computed of it stays in the processor's cache.</summary>
/// <param name="Top">Its first row within the rectangle.</param>
/// <param name="Left">Its first column.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
internal readonly record struct RectangleBlock(long Top, long Left, long Height, long Width)
{
    // A core's own cache holds some such blocks: of the operands, and of what is computed of them.
    private const long Bytes = 1 << 18;

    /// <summary>The number of its positions.</summary>
    public long Positions => Height * Width;

    /// <summary>Cuts a rectangle into blocks, in raster order. On a device other than the processor it is one.</summary>
    /// <param name="rectangle">The map [N, C, h, w] with the most channels.</param>
    /// <param name="bytes">How large a block may be.</param>
    public static IEnumerable<RectangleBlock> Of(Tensor rectangle, long bytes = Bytes)
    {
        var shape = rectangle.shape;
        var (height, width) = (shape[2], shape[3]);
        var fitting = rectangle.device.type == TorchSharp.DeviceType.CPU
            ? Math.Max(1, bytes / (shape[0] * shape[1] * rectangle.element_size()))
            : height * width;
        var columns = Math.Min(width, fitting);
        var rows = columns < width ? 1 : Math.Min(height, fitting / width);
        for (long top = 0; top < height; top += rows)
        {
            for (long left = 0; left < width; left += columns)
                yield return new(top, left, Math.Min(rows, height - top), Math.Min(columns, width - left));
        }
    }

    /// <summary>The same positions of a map, counted within a rectangle of it.</summary>
    /// <param name="top">The rectangle's first row.</param>
    /// <param name="left">The rectangle's first column.</param>
    public RectangleBlock Within(long top, long left) => this with { Top = Top - top, Left = Left - left };

    /// <summary>The view of a rectangle that the block is.</summary>
    public Tensor View(Tensor rectangle) => rectangle.narrow(2, Top, Height).narrow(3, Left, Width);

    /// <summary>The block's values to compute with: a view of a rectangle, or a copy of one in bfloat16.</summary>
    public Tensor Values(Tensor rectangle)
    {
        var view = View(rectangle);
        return view.dtype is ScalarType.Float32 or ScalarType.Float64 ? view : view.to(ScalarType.Float32);
    }
}
