using System.Runtime.ExceptionServices;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Seams on a shelf, but for those at hand that tiles need at present. They are written and read in the background while tiles are
/// computed, those that are wanted before those that rest. What fails there is thrown at the next call.
/// </summary>
/// <param name="shelf">The shelf; it belongs to the store.</param>
/// <param name="mostOnTheWay">Bytes that may be on their way to the shelf at a time, besides those at hand; a single seam may be
/// larger.</param>
internal sealed class RestingSeams(ISeamShelf shelf, long mostOnTheWay) : ISeamStore
{
    // Guards all that follows, and is pulsed when an errand is done or has failed.
    private readonly object gate = new();
    private readonly Dictionary<SeamKey, RestingSeam> seams = [];
    private readonly Queue<RestingSeam> toRead = [];
    private readonly Queue<RestingSeam> toWrite = [];
    private Exception? failure;
    private bool isWorking;
    private bool isDisposed;
    private long onTheWay;

    /// <inheritdoc/>
    public bool HoldsAll => false;

    /// <inheritdoc/>
    public long Bytes { get; private set; }

    /// <inheritdoc/>
    public long PeakBytes { get; private set; }

    /// <summary>The most bytes that were on their way to the shelf at a time.</summary>
    public long PeakOnTheWay { get; private set; }

    /// <inheritdoc/>
    public void Put(in SeamKey seam, Tensor values)
    {
        lock (gate)
        {
            Check();
            var entry = new RestingSeam(seam, values.NumberOfElements * values.ElementSize) { Values = values.DetachFromDisposeScope() };
            seams.Add(seam, entry);
            AtHand(entry);
        }
    }

    /// <inheritdoc/>
    public bool Has(in SeamKey seam)
    {
        lock (gate)
            return seams.ContainsKey(seam);
    }

    /// <inheritdoc/>
    public void Prefetch(in SeamKey seam)
    {
        lock (gate)
        {
            Check();
            Call(seams[seam]);
        }
    }

    /// <inheritdoc/>
    public Tensor Take(in SeamKey seam)
    {
        lock (gate)
        {
            Check();
            var entry = seams[seam];
            Call(entry);
            while (entry.Values is null)
                Wait();
            return entry.Values;
        }
    }

    /// <inheritdoc/>
    public void Rest(in SeamKey seam)
    {
        lock (gate)
        {
            Check();
            var entry = seams[seam];
            if (!entry.IsAtHand)
                return;
            entry.IsAtHand = false;
            Bytes -= entry.Bytes;
            // Without values they are just being read, and nobody waits for them any more.
            if (entry.Values is null || entry.IsShelved)
            {
                entry.Drop();
                return;
            }

            onTheWay += entry.Bytes;
            Send(entry, SeamErrand.Write);
            while (onTheWay > mostOnTheWay && onTheWay > entry.Bytes)
                Wait();
            PeakOnTheWay = Math.Max(PeakOnTheWay, onTheWay);
        }
    }

    /// <inheritdoc/>
    public void Free(in SeamKey seam)
    {
        lock (gate)
        {
            if (!seams.Remove(seam, out var entry))
                return;
            if (entry.IsAtHand)
                Bytes -= entry.Bytes;
            else if (entry.Values is not null && !entry.IsBusy)
                onTheWay -= entry.Bytes;
            entry.IsFreed = true;
            if (!entry.IsBusy)
                Remove(entry);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            while (isWorking)
                Monitor.Wait(gate);
            foreach (var entry in seams.Values)
                entry.Drop();
            seams.Clear();
            Bytes = onTheWay = 0;
            shelf.Dispose();
        }
    }

    private void AtHand(RestingSeam entry)
    {
        entry.IsAtHand = true;
        Bytes += entry.Bytes;
        PeakBytes = Math.Max(PeakBytes, Bytes);
    }

    /// <summary>Calls a seam back, from the way to the shelf where it is still there.</summary>
    private void Call(RestingSeam entry)
    {
        if (entry.IsAtHand)
            return;
        AtHand(entry);
        if (entry.Values is null)
            Send(entry, SeamErrand.Read);
        else
            onTheWay -= entry.Bytes;
    }

    private void Send(RestingSeam entry, SeamErrand errand)
    {
        if (entry.Errand == errand)
            return;
        entry.Errand = errand;
        (errand == SeamErrand.Read ? toRead : toWrite).Enqueue(entry);
        if (isWorking)
            return;
        isWorking = true;
        // A thread that waited for more would keep a run alive whose backward pass never comes.
        _ = Task.Run(Work);
    }

    private void Work()
    {
        while (Next() is { } entry)
        {
            try
            {
                var read = entry.Errand == SeamErrand.Read ? shelf.Read(entry.Seam) : null;
                if (read is null)
                    shelf.Write(entry.Seam, entry.Values!);
                lock (gate)
                    Done(entry, read);
            }
            catch (Exception reason)
            {
                lock (gate)
                {
                    entry.IsBusy = false;
                    failure ??= reason;
                }
            }
        }
    }

    private RestingSeam? Next()
    {
        lock (gate)
        {
            Monitor.PulseAll(gate);
            while (!isDisposed && failure is null && (toRead.TryDequeue(out var entry) || toWrite.TryDequeue(out entry)))
            {
                // One that was called back, put away again or freed in the meantime needs nothing.
                entry.IsBusy = !entry.IsFreed && entry.IsAtHand == (entry.Errand == SeamErrand.Read);
                if (entry.IsBusy)
                    return entry;
                entry.Errand = SeamErrand.None;
            }

            isWorking = false;
            return null;
        }
    }

    private void Done(RestingSeam entry, Tensor? read)
    {
        entry.IsBusy = false;
        entry.Errand = SeamErrand.None;
        entry.IsShelved = true;
        if (read is null && !entry.IsAtHand)
            onTheWay -= entry.Bytes;
        entry.Values ??= read;
        if (entry.IsFreed)
            Remove(entry);
        else if (!entry.IsAtHand)
            entry.Drop();
    }

    private void Remove(RestingSeam entry)
    {
        entry.Drop();
        if (entry.IsShelved)
            shelf.Remove(entry.Seam);
    }

    private void Wait()
    {
        Monitor.Wait(gate);
        Check();
    }

    private void Check()
    {
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }
}
