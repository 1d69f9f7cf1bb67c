using StreamingCnn.Geometry;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>How far an errand is.</summary>
internal enum ErrandState
{
    /// <summary>It waits for its turn.</summary>
    Queued,

    /// <summary>It is just being run.</summary>
    Busy,

    /// <summary>It has been run, or has failed.</summary>
    Done,

    /// <summary>Nobody wants it any more.</summary>
    Dropped,
}

/// <summary>
/// Something to be done for a map in the background: a rectangle on its way to the shelf, or a window on its way from it.
/// </summary>
/// <param name="map">The map.</param>
/// <param name="region">The rectangle.</param>
/// <param name="bytes">Bytes of its values.</param>
internal sealed class MapErrand(RestingMap map, Region region, long bytes)
{
    public RestingMap Map { get; } = map;

    public Region Region { get; } = region;

    public long Bytes { get; } = bytes;

    /// <summary>What is to be written, [N, h, w, C], or what has been read, [N, C, h, w].</summary>
    public Tensor? Values { get; set; }

    /// <summary>Whether what is written is the first to come; else it is added.</summary>
    public bool IsFirst { get; init; }

    public ErrandState State { get; set; }

    /// <summary>Lets go of the values in memory.</summary>
    public void Release()
    {
        Values?.Dispose();
        Values = null;
    }
}
