using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>A map that comes from outside, as the tiles read it: windows of the computation's type, on its device.</summary>
internal abstract class MapSource(long batch, long channels, long height, long width, ScalarType type, Device device) : IDisposable
{
    public long Batch { get; } = batch;

    public long Channels { get; } = channels;

    public long Height { get; } = height;

    public long Width { get; } = width;

    /// <summary>Type of the computation.</summary>
    public ScalarType Type { get; } = type;

    /// <summary>Device of the computation.</summary>
    public Device Device { get; } = device;

    /// <summary>Whether its gradient is wanted.</summary>
    public bool GradientIsWanted { get; init; }

    /// <summary>The columns that are read, and whose gradient there is: all, but for a map of which this process holds a stripe.</summary>
    public Interval Columns { get; init; } = new(0, width);

    /// <summary>Gets its gradient row by row, where it is wanted; null to have it whole.</summary>
    public ImageGradientRows? GradientRows { get; init; }

    /// <summary>In which order the values of such rows lie in memory.</summary>
    public MapFormat GradientFormat { get; init; }

    /// <summary>
    /// Gets its gradient part by part, where it is wanted: whatever a tile adds to a region, which others may add to as well. Null to have
    /// it otherwise.
    /// </summary>
    public Action<Region, Tensor>? GradientParts { get; init; }

    /// <summary>Reads a window [N, C, h, w] into the caller's scope. It may share the source's memory.</summary>
    public Tensor Read(Region region)
    {
        var window = ReadRaw(region);
        return window.dtype == Type && window.IsOn(Device) ? window : window.to(Type, Device);
    }

    /// <summary>Tells that a window will soon be read. Only what is no user's code fetches it then, in the background.</summary>
    public virtual void Prefetch(Region region)
    {
    }

    /// <summary>Refuses to go on when the map has been changed since the run began.</summary>
    public virtual void CheckUnchanged()
    {
    }

    /// <summary>Lets go of the map; what is the caller's stays open.</summary>
    public abstract void Dispose();

    protected abstract Tensor ReadRaw(Region region);
}
