using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Seams in the memory of the device that computes.</summary>
internal sealed class DeviceSeams : ISeamStore
{
    private readonly Dictionary<SeamKey, Tensor> seams = [];

    /// <inheritdoc/>
    public bool HoldsAll => true;

    /// <inheritdoc/>
    public long Bytes { get; private set; }

    /// <inheritdoc/>
    public long PeakBytes { get; private set; }

    /// <inheritdoc/>
    public void Put(in SeamKey seam, Tensor values)
    {
        seams.Add(seam, values.DetachFromDisposeScope());
        Bytes += values.NumberOfElements * values.ElementSize;
        PeakBytes = Math.Max(PeakBytes, Bytes);
    }

    /// <inheritdoc/>
    public bool Has(in SeamKey seam) => seams.ContainsKey(seam);

    /// <inheritdoc/>
    public void Prefetch(in SeamKey seam)
    {
    }

    /// <inheritdoc/>
    public Tensor Take(in SeamKey seam) => seams[seam];

    /// <inheritdoc/>
    public void Rest(in SeamKey seam)
    {
    }

    /// <inheritdoc/>
    public void Free(in SeamKey seam)
    {
        if (!seams.Remove(seam, out var values))
            return;
        Bytes -= values.NumberOfElements * values.ElementSize;
        values.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var values in seams.Values)
            values.Dispose();
        seams.Clear();
        Bytes = 0;
    }
}
