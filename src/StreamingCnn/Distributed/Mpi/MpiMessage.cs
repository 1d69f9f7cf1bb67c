using System.Diagnostics;

namespace StreamingCnn.Distributed.Mpi;

/// <summary>Requests to MPI, of which long messages have several.</summary>
/// <remarks>
/// MPI waits with a core of its own, which ranks on one machine need for computing. So this one asks: without a pause for about as long as
/// the message itself takes; then the more rarely the longer it has waited, so that it is late by a small share of that.
/// </remarks>
internal sealed class MpiMessage(MpiLibrary library, nint[] requests, MessageMemory memory) : IPendingMessage
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1);

    // Slower than most networks that one would train over.
    private const double BytesPerSecond = 100e6;

    // Pauses are so much shorter than what was waited before.
    private const int Share = 64;

    private int ended;

    public bool HasEnded()
    {
        while (ended < requests.Length && library.Test(ref requests[ended]))
            ended++;
        return ended == requests.Length;
    }

    public void Wait()
    {
        var patience = Patience + TimeSpan.FromSeconds(memory.Bytes / BytesPerSecond);
        var start = Stopwatch.GetTimestamp();
        while (!HasEnded())
        {
            var waited = Stopwatch.GetElapsedTime(start);
            if (waited < patience)
                Thread.Yield();
            else
                ShortPause.Take(waited / Share);
        }

        GC.KeepAlive(memory.Owner);
    }
}
