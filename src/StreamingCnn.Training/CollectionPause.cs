using System.Runtime;

namespace StreamingCnn.Training;

/// <summary>
/// Holds off garbage collection for a moment. TorchSharp's optimizers leave every number that they have made for one operation to the garbage collector, which may free it while libtorch
/// reads it; a weight would then be updated by something else, or the update break off between two weights.
/// </summary>
internal sealed class CollectionPause : IDisposable
{
    // What an update of a large model leaves behind is a tenth of this.
    private const long Budget = 8L << 20;

    private readonly bool isPaused;

    /// <summary>Begins. Where collection is held off already, or cannot be, nothing happens.</summary>
    public CollectionPause()
    {
        try
        {
            isPaused = GC.TryStartNoGCRegion(Budget);
        }
        catch (InvalidOperationException)
        {
            // The caller holds it off.
        }
    }

    /// <summary>Ends.</summary>
    public void Dispose()
    {
        // Other threads may have allocated so much that the pause is over.
        if (isPaused && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            GC.EndNoGCRegion();
    }
}
