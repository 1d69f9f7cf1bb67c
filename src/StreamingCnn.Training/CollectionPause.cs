using System.Runtime;

namespace StreamingCnn.Training;

/// <summary>
/// Holds off garbage collection for a moment. TorchSharp's optimizers leave every number that they have made for one operation to the
/// garbage collector, which may free it while libtorch reads it; a weight would then be updated by something else, or the update break off
/// between two weights.
/// </summary>
internal sealed class CollectionPause : IDisposable
{
    // What an update of a large model leaves behind is a tenth of this.
    private const long Budget = 8L << 20;

    // Each pause puts off the collection that garbage would have brought about: without one in between it would never come.
    private const long Garbage = 32L << 20;

    private static readonly Lock Gate = new();
    private static int holders;
    private static bool isPaused;
    private static long collected;

    /// <summary>Begins. Where collection is held off already, or cannot be, nothing happens.</summary>
    public CollectionPause()
    {
        lock (Gate)
        {
            // Ranks may be threads: the first to begin begins it for all.
            if (holders++ > 0)
                return;
            Collect();
            try
            {
                isPaused = GC.TryStartNoGCRegion(Budget);
            }
            catch (InvalidOperationException)
            {
                // The caller holds it off.
                isPaused = false;
            }
        }
    }

    /// <summary>Ends, where nobody else needs it.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            // Other threads may have allocated so much that the pause is over.
            if (--holders == 0 && isPaused && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
                GC.EndNoGCRegion();
        }
    }

    private static void Collect()
    {
        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion || GC.GetTotalAllocatedBytes() - collected < Garbage)
            return;
        GC.Collect();
        collected = GC.GetTotalAllocatedBytes();
    }
}
