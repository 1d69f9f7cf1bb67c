using System.Diagnostics;

namespace StreamingCnn.Distributed.Mpi;

/// <summary>Requests to MPI, of which long messages have several.</summary>
/// <remarks>
/// MPI waits with a core of its own, which ranks on one machine need for computing. So this one asks: without a pause for about as long as
/// the message itself takes, then every millisecond.
/// </remarks>
internal sealed class MpiMessage(MpiLibrary library, nint[] requests, MessageMemory memory) : IPendingMessage
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    // Slower than any network that one would train over.
    private const double BytesPerSecond = 20e6;

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
            if (Stopwatch.GetElapsedTime(start) < patience)
                Thread.Yield();
            else
                Thread.Sleep(1);
        }

        GC.KeepAlive(memory.Owner);
    }
}
