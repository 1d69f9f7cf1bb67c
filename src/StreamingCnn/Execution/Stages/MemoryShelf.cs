using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>Maps in the memory of the device that computes. Windows of them are views.</summary>
/// <param name="device">The device that computes.</param>
/// <param name="format">In which order the maps' values lie in memory.</param>
internal sealed class MemoryShelf(Device device, MapFormat format) : IMapShelf
{
    /// <inheritdoc/>
    public long Bytes { get; private set; }

    /// <inheritdoc/>
    public long PeakBytes { get; private set; }

    /// <inheritdoc/>
    public long PeakBytesElsewhere => 0;

    /// <inheritdoc/>
    public bool TakesParts => true;

    /// <inheritdoc/>
    public StoredMap New(MapShape shape, ScalarType type) => new MapInMemory(this, shape, type);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>Memory for a map, in no scope.</summary>
    internal Tensor Take(MapShape shape, ScalarType type)
    {
        using var lasting = TensorHeap.Lasting();
        var map = format.Empty(shape.Of(shape.Whole), type, device).DetachFromDisposeScope();
        Bytes += shape.Values * map.ElementSize;
        PeakBytes = Math.Max(PeakBytes, Bytes);
        return map;
    }

    /// <summary>Frees a map's memory.</summary>
    internal void Free(Tensor map)
    {
        Bytes -= map.NumberOfElements * map.ElementSize;
        map.Dispose();
    }
}
