using StreamingCnn.Geometry;

namespace StreamingCnn.Execution.Stages;

/// <summary>Size of a map [N, C, H, W].</summary>
internal readonly record struct MapShape(long Batch, long Channels, long Height, long Width)
{
    /// <summary>The rectangle that holds all positions.</summary>
    public Region Whole => Region.Whole(Height, Width);

    /// <summary>Number of values.</summary>
    public long Values => Batch * Channels * Height * Width;

    /// <summary>Size of a tensor for a rectangle of the map.</summary>
    public long[] Of(Region region) => [Batch, Channels, region.Rows.Length, region.Columns.Length];

    /// <inheritdoc/>
    public override string ToString() => $"[{Batch}, {Channels}, {Height}, {Width}]";
}
