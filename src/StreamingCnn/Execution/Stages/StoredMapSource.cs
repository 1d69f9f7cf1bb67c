using StreamingCnn.Geometry;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>A map on a shelf as a stage's source. The map stays the caller's.</summary>
/// <param name="map">The map, complete when the first window is read.</param>
/// <param name="type">Type of the computation.</param>
/// <param name="device">Device of the computation.</param>
internal sealed class StoredMapSource(StoredMap map, ScalarType type, Device device)
    : MapSource(map.Shape.Batch, map.Shape.Channels, map.Shape.Height, map.Shape.Width, type, device)
{
    /// <summary>The column of the whole map that the stored one begins with, where it is a stripe.</summary>
    public long Left { get; init; }

    /// <inheritdoc/>
    public override void Prefetch(Region region) => map.Prefetch(Stored(region));

    /// <inheritdoc/>
    public override void Dispose() => map.Rest();

    /// <inheritdoc/>
    protected override Tensor ReadRaw(Region region) => map.Read(Stored(region));

    private Region Stored(Region region) =>
        Left == 0 ? region : region with { Columns = new(region.Columns.Start - Left, region.Columns.End - Left) };
}
