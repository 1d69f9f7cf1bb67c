using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Seams on a shelf, those at hand excepted that tiles need at present.</summary>
/// <param name="shelf">The shelf; it belongs to the store.</param>
internal sealed class RestingSeams(ISeamShelf shelf) : ISeamStore
{
    private readonly Dictionary<SeamKey, Entry> seams = [];

    /// <inheritdoc/>
    public bool HoldsAll => false;

    /// <inheritdoc/>
    public long Bytes { get; private set; }

    /// <inheritdoc/>
    public long PeakBytes { get; private set; }

    /// <inheritdoc/>
    public void Put(in SeamKey seam, Tensor values)
    {
        var entry = new Entry();
        seams.Add(seam, entry);
        Hold(entry, values.DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public bool Has(in SeamKey seam) => seams.ContainsKey(seam);

    /// <inheritdoc/>
    public void Prefetch(in SeamKey seam) => Take(seam);

    /// <inheritdoc/>
    public Tensor Take(in SeamKey seam)
    {
        var entry = seams[seam];
        return entry.Values ?? Hold(entry, shelf.Read(seam));
    }

    /// <inheritdoc/>
    public void Rest(in SeamKey seam)
    {
        var entry = seams[seam];
        if (entry.Values is null)
            return;
        if (!entry.IsShelved)
            shelf.Write(seam, entry.Values);
        entry.IsShelved = true;
        Drop(entry);
    }

    /// <inheritdoc/>
    public void Free(in SeamKey seam)
    {
        if (!seams.Remove(seam, out var entry))
            return;
        Drop(entry);
        if (entry.IsShelved)
            shelf.Remove(seam);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in seams.Values)
            Drop(entry);
        seams.Clear();
        shelf.Dispose();
    }

    private Tensor Hold(Entry entry, Tensor values)
    {
        entry.Values = values;
        Bytes += values.NumberOfElements * values.ElementSize;
        PeakBytes = Math.Max(PeakBytes, Bytes);
        return values;
    }

    private void Drop(Entry entry)
    {
        if (entry.Values is not { } values)
            return;
        Bytes -= values.NumberOfElements * values.ElementSize;
        values.Dispose();
        entry.Values = null;
    }

    private sealed class Entry
    {
        public Tensor? Values { get; set; }

        public bool IsShelved { get; set; }
    }
}
