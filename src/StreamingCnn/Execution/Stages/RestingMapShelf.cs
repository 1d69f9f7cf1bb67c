using System.Runtime.ExceptionServices;
using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// Maps in a file or in the host's memory. They are written and read in the background while tiles are computed; what fails there is
/// thrown at the next call.
/// </summary>
internal sealed class RestingMapShelf : IMapShelf
{
    // Guards all that follows.
    private readonly object gate = new();
    private readonly List<MapErrand> windows = [];
    private readonly MapLane writes;
    private readonly MapLane reads;
    private readonly IScratch scratch;

    /// <param name="scratch">Where the maps wait; it belongs to the shelf.</param>
    /// <param name="device">The device that computes.</param>
    /// <param name="format">In which order the values of windows lie in memory.</param>
    /// <param name="mostOnTheWay">
    /// Bytes that may be on their way to the maps at a time, and as many on their way from them; a single row, or a
    /// single window, may be larger.
    /// </param>
    public RestingMapShelf(IScratch scratch, Device device, MapFormat format, long mostOnTheWay)
    {
        (this.scratch, Device, Format, MostOnTheWay) = (scratch, device, format, mostOnTheWay);
        writes = new(gate, Write, mostOnTheWay);
        reads = new(gate, errand => errand.Values = errand.Map.Load(errand.Region), mostOnTheWay);
    }

    /// <summary>The device that computes.</summary>
    public Device Device { get; }

    /// <summary>In which order the values of windows lie in memory.</summary>
    public MapFormat Format { get; }

    /// <summary>Bytes that may be on their way to the maps at a time.</summary>
    public long MostOnTheWay { get; }

    /// <inheritdoc/>
    public long Bytes
    {
        get
        {
            lock (gate)
                return writes.Bytes + reads.Bytes;
        }
    }

    /// <inheritdoc/>
    public long PeakBytes { get; private set; }

    /// <inheritdoc/>
    public long PeakBytesElsewhere => scratch.Length;

    /// <summary>Windows that were read and had been asked for beforehand.</summary>
    public long Hits { get; private set; }

    /// <inheritdoc/>
    public bool TakesParts => false;

    /// <inheritdoc/>
    public StoredMap New(MapShape shape, ScalarType type) => new RestingMap(this, scratch, shape, type);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            writes.Drop(null);
            reads.Drop(null);
            Release(window => true);
            scratch.Dispose();
        }
    }

    /// <summary>Waits until there is room for a rectangle, and counts it.</summary>
    public void Hold(long bytes)
    {
        lock (gate)
        {
            Check();
            while (!writes.HasRoom(bytes))
                Wait();
            Count(writes, bytes);
        }
    }

    /// <summary>Has a rectangle written for which there is room.</summary>
    public void Send(MapErrand errand)
    {
        lock (gate)
            writes.Send(errand);
    }

    /// <summary>Waits until all of a map has been written.</summary>
    public void Finish(RestingMap map)
    {
        lock (gate)
        {
            Check();
            while (writes.Has(map))
                Wait();
        }
    }

    /// <summary>Has a window read beforehand, if there is room for it.</summary>
    public void Ask(MapErrand window)
    {
        lock (gate)
        {
            Check();
            if (!reads.HasRoom(window.Bytes))
                return;
            Count(reads, window.Bytes);
            windows.Add(window);
            reads.Send(window);
        }
    }

    /// <summary>A window that was asked for, in no scope; null where it was not, or its turn is not yet.</summary>
    public Tensor? Take(RestingMap map, Region region)
    {
        lock (gate)
        {
            Check();
            if (windows.Find(window => window.Map == map && window.Region == region) is not { } found)
                return null;
            while (found.State == ErrandState.Busy)
                Wait();
            windows.Remove(found);
            reads.Free(found.Bytes);
            Hits++;
            if (found.State == ErrandState.Queued)
                found.State = ErrandState.Dropped;
            return found.Values;
        }
    }

    /// <summary>Lets go of a map's windows that were asked for and not read.</summary>
    public void Rest(RestingMap map)
    {
        lock (gate)
        {
            reads.Drop(map);
            Release(window => window.Map == map);
        }
    }

    /// <summary>Does nothing more for a map.</summary>
    public void Forget(RestingMap map)
    {
        lock (gate)
            writes.Drop(map);
        Rest(map);
    }

    private void Write(MapErrand errand)
    {
        try
        {
            errand.Map.Save(errand);
        }
        finally
        {
            lock (gate)
            {
                errand.Release();
                writes.Free(errand.Bytes);
            }
        }
    }

    private void Count(MapLane lane, long bytes)
    {
        lane.Hold(bytes);
        PeakBytes = Math.Max(PeakBytes, writes.Bytes + reads.Bytes);
    }

    /// <summary>Frees windows that are not being read.</summary>
    private void Release(Predicate<MapErrand> which)
    {
        foreach (var window in windows.FindAll(which))
        {
            // One that was dropped is not counted any more.
            if (window.State == ErrandState.Done)
                reads.Free(window.Bytes);
            window.Release();
            windows.Remove(window);
        }
    }

    private void Wait()
    {
        Monitor.Wait(gate);
        Check();
    }

    private void Check()
    {
        if ((writes.Failure ?? reads.Failure) is { } failure)
            ExceptionDispatchInfo.Throw(failure);
    }
}
