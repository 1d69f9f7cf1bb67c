using StreamingCnn.Execution;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Carrying;

/// <summary>A store that counts what another one is given, and holds the run to the rules: each seam comes once, is taken while it is there, and is freed once.</summary>
internal sealed class WatchedSeams(ISeamStore store) : ISeamStore
{
    private readonly Dictionary<SeamKey, long> there = [];
    private long stored;

    /// <summary>The most bytes that were stored, and not yet freed, since the last look.</summary>
    public long Most { get; private set; }

    /// <summary>Number of seams that have not been freed.</summary>
    public int Left => there.Count;

    public bool HoldsAll => store.HoldsAll;

    public long Bytes => store.Bytes;

    public long PeakBytes => store.PeakBytes;

    /// <summary>Looks, and begins to count anew.</summary>
    public long Look()
    {
        var most = Most;
        Most = stored;
        return most;
    }

    public void Put(in SeamKey seam, Tensor values)
    {
        there.Add(seam, values.NumberOfElements * values.ElementSize);
        stored += there[seam];
        Most = Math.Max(Most, stored);
        store.Put(seam, values);
    }

    public bool Has(in SeamKey seam) => store.Has(seam);

    public void Prefetch(in SeamKey seam) => store.Prefetch(seam);

    public Tensor Take(in SeamKey seam)
    {
        Assert.True(there.ContainsKey(seam), $"{seam} is taken and is not there.");
        return store.Take(seam);
    }

    public void Rest(in SeamKey seam) => store.Rest(seam);

    public void Free(in SeamKey seam)
    {
        if (there.Remove(seam, out var bytes))
            stored -= bytes;
        store.Free(seam);
    }

    public void Dispose() => store.Dispose();
}
