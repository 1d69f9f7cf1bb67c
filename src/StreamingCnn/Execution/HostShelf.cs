using System.Collections.Concurrent;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Seams in the host's memory.</summary>
/// <param name="device">The device that computes.</param>
internal sealed class HostShelf(Device device) : ISeamShelf
{
    private readonly ConcurrentDictionary<SeamKey, Tensor> seams = [];

    /// <inheritdoc/>
    public void Write(in SeamKey seam, Tensor values)
    {
        using (TensorHeap.Lasting())
            seams[seam] = values.to(CPU, copy: true).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Read(in SeamKey seam)
    {
        using (TensorHeap.Lasting())
            return seams[seam].to(device, copy: true).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Remove(in SeamKey seam)
    {
        if (seams.TryRemove(seam, out var values))
            values.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var values in seams.Values)
            values.Dispose();
        seams.Clear();
    }
}
