using System.Runtime.ExceptionServices;

namespace StreamingCnn.Distributed.Threads;

/// <summary>Ranks that are threads of this process: for tests, and to try what is meant for many machines on one.</summary>
/// <remarks>Sums are in the order of ranks, so that the same number of ranks gives the same bits.</remarks>
public static class ThreadRanks
{
    /// <summary>Runs ranks and waits for all.</summary>
    /// <param name="count">How many; at least 1.</param>
    /// <param name="body">What each does. The communicator is valid until it returns.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than one.</exception>
    public static void Run(int count, Action<ICommunicator> body)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentNullException.ThrowIfNull(body);
        var room = new MeetingRoom();
        var group = new RankGroup(room, [.. Enumerable.Range(0, count)]);
        Exception? first = null;
        var threads = Enumerable.Range(0, count).Select(rank => new Thread(() =>
        {
            try
            {
                body(new ThreadCommunicator(group, rank));
                room.Leave(rank);
            }
            catch (Exception failure)
            {
                Interlocked.CompareExchange(ref first, failure, null);
                room.Fail(failure.Message);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        // The one that failed first; others failed of it.
        if (first is not null)
            ExceptionDispatchInfo.Throw(first);
    }
}
