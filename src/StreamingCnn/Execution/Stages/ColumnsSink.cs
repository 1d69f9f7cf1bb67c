using StreamingCnn.Geometry;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>Takes what lies in some columns of a map, which are there as a map of their own.</summary>
/// <param name="map">The columns.</param>
/// <param name="columns">Which they are.</param>
internal sealed class ColumnsSink(StoredMap map, Interval columns) : IMapSink
{
    /// <inheritdoc/>
    public void Begin(long batch, long channels, long height, long width) => map.Begin(batch, channels, height, columns.Length);

    /// <inheritdoc/>
    public void Write(long top, long left, Tensor values) => map.Write(top, left - columns.Start, values);
}
