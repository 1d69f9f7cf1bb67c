using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>The maps that a reduction is taken of: they agree in all but their channels.</summary>
/// <param name="Batch">The number of images, N.</param>
/// <param name="Channels">The number of channels of each operand.</param>
/// <param name="Height">The maps' height in positions.</param>
/// <param name="Width">The maps' width in positions.</param>
/// <param name="Device">Where the rectangles lie.</param>
public sealed record ReductionShape(long Batch, IReadOnlyList<long> Channels, long Height, long Width, Device Device)
{
    /// <summary>The number of positions of a map.</summary>
    public long Positions => Height * Width;
}
