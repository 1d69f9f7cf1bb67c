using StreamingCnn.Execution;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Carrying;

/// <summary>
/// A store that counts what another one is given, and holds the run to the rules: each seam comes once, is taken while it is there, and
/// is freed once.
/// </summary>
internal sealed class WatchedSeams(ISeamStore store) : ISeamStore
{
    private readonly Dictionary<SeamKey, long> there = [];
    private long stored;

    /// <summary>The most bytes that were stored, and not yet freed, since the last look.</summary>
    public long Most { get; private set; }

    /// <summary>The most bytes that were at hand since the last look, those on their way to where they rest left out.</summary>
    public long MostAtHand { get; private set; }

    /// <summary>Number of seams that have not been freed.</summary>
    public int Left => there.Count;

    public bool HoldsAll => store.HoldsAll;

    public long Bytes => store.Bytes;

    public long PeakBytes => store.PeakBytes;

    /// <summary>Looks, and begins to count anew.</summary>
    /// <returns>The most bytes stored and not yet freed, and the most bytes at hand.</returns>
    public (long Stored, long AtHand) Look()
    {
        var most = (Most, MostAtHand);
        (Most, MostAtHand) = (stored, store.Bytes);
        return most;
    }

    public void Put(in SeamKey seam, Tensor values)
    {
        there.Add(seam, values.NumberOfElements * values.ElementSize);
        stored += there[seam];
        Most = Math.Max(Most, stored);
        store.Put(seam, values);
        Count();
    }

    public bool Has(in SeamKey seam) => store.Has(seam);

    public void Prefetch(in SeamKey seam)
    {
        store.Prefetch(seam);
        Count();
    }

    public Tensor Take(in SeamKey seam)
    {
        Assert.True(there.ContainsKey(seam), $"{seam} is taken and is not there.");
        var values = store.Take(seam);
        Count();
        return values;
    }

    public void Rest(in SeamKey seam) => store.Rest(seam);

    public void Free(in SeamKey seam)
    {
        if (there.Remove(seam, out var bytes))
            stored -= bytes;
        store.Free(seam);
    }

    private void Count() => MostAtHand = Math.Max(MostAtHand, store.Bytes);

    public void Dispose() => store.Dispose();
}
