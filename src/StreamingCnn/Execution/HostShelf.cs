using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Bands in the host's memory.</summary>
/// <param name="device">The device that computes.</param>
internal sealed class HostShelf(Device device) : IBandShelf
{
    private readonly Dictionary<BandKey, Tensor> bands = [];

    /// <inheritdoc/>
    public void Put(BandKey band, Tensor values)
    {
        using (TensorHeap.Lasting())
            bands.Add(band, values.to(CPU, copy: true).DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public Tensor? Take(BandKey band)
    {
        if (!bands.Remove(band, out var values))
            return null;
        if (device.type == DeviceType.CPU)
            return values;
        using (values)
            return values.to(device).DetachFromDisposeScope();
    }

    public void Dispose()
    {
        foreach (var band in bands.Values)
            band.Dispose();
        bands.Clear();
    }
}
