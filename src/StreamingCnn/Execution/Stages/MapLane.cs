namespace StreamingCnn.Execution.Stages;

/// <summary>Errands that run one after the other in the background. All members but the work itself are guarded by the gate.</summary>
/// <param name="gate">Guards the errands, and is pulsed when one is done.</param>
/// <param name="run">Does an errand.</param>
/// <param name="most">Bytes that the lane may hold; a single errand may hold more.</param>
internal sealed class MapLane(object gate, Action<MapErrand> run, long most)
{
    private readonly Queue<MapErrand> queue = [];
    private MapErrand? current;
    private bool isWorking;

    /// <summary>Bytes that are held for errands at present.</summary>
    public long Bytes { get; private set; }

    /// <summary>What went wrong first.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether there is room for so many more bytes.</summary>
    public bool HasRoom(long bytes) => Bytes == 0 || Bytes + bytes <= most;

    /// <summary>Counts bytes that are held from now on.</summary>
    public void Hold(long bytes) => Bytes += bytes;

    /// <summary>Counts bytes that are not held any more.</summary>
    public void Free(long bytes) => Bytes -= bytes;

    /// <summary>Whether there is anything that is done, or to be done, for a map.</summary>
    public bool Has(RestingMap map) =>
        current?.Map == map || queue.Any(errand => errand.Map == map && errand.State == ErrandState.Queued);

    /// <summary>Takes an errand, and works if it does not yet.</summary>
    public void Send(MapErrand errand)
    {
        queue.Enqueue(errand);
        if (isWorking)
            return;
        isWorking = true;
        // A thread that waited for more would keep a run alive that nobody ends.
        _ = Task.Run(Work);
    }

    /// <summary>Drops what has not begun, of one map or of all, and waits for what has.</summary>
    public void Drop(RestingMap? map)
    {
        foreach (var errand in queue)
        {
            if ((map is null || errand.Map == map) && errand.State == ErrandState.Queued)
            {
                errand.State = ErrandState.Dropped;
                errand.Release();
                Bytes -= errand.Bytes;
            }
        }

        while (map is null ? isWorking : current?.Map == map)
            Monitor.Wait(gate);
    }

    private void Work()
    {
        while (Next() is { } errand)
        {
            Exception? reason = null;
            try
            {
                run(errand);
            }
            catch (Exception failure)
            {
                reason = failure;
            }

            lock (gate)
            {
                Failure ??= reason;
                errand.State = ErrandState.Done;
                current = null;
                Monitor.PulseAll(gate);
            }
        }
    }

    private MapErrand? Next()
    {
        lock (gate)
        {
            while (Failure is null && queue.TryDequeue(out current))
            {
                if (current.State == ErrandState.Queued)
                {
                    current.State = ErrandState.Busy;
                    return current;
                }
            }

            (current, isWorking) = (null, false);
            Monitor.PulseAll(gate);
            return null;
        }
    }
}
