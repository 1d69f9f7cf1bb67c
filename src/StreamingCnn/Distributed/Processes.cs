using StreamingCnn.Distributed.Mpi;

namespace StreamingCnn.Distributed;

/// <summary>The processes that were started together with this one.</summary>
public static class Processes
{
    /// <summary>
    /// Which of the processes on this machine this one is, from 0, as the launcher tells it; 0 where there was none. Nothing is started.
    /// </summary>
    public static int LocalRank => Launch.LocalRank(Environment.GetEnvironmentVariable);

    /// <summary>
    /// Meets them: by MPI where <c>mpirun</c> or <c>srun</c> has started more than one, which is known by what they leave in the
    /// environment; otherwise this process is alone, and no library is loaded.
    /// </summary>
    /// <returns>
    /// The processes; disposed where the work is done, which waits for the others. After a failure it is not disposed, but
    /// <see cref="ICommunicator.Abort"/> called.
    /// </returns>
    /// <exception cref="CommunicatorException">The library is missing, does not go with the launcher, or was started before.</exception>
    public static ICommunicator Start()
    {
        var launch = Launch.Of(Environment.GetEnvironmentVariable);
        return launch.Size == 1 ? new SingleProcess() : MpiCommunicator.Start(launch);
    }
}
