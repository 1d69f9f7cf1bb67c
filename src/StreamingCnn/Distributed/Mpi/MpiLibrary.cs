using System.Runtime.InteropServices;

namespace StreamingCnn.Distributed.Mpi;

/// <summary>The functions of a library of MPI, found at run time. Handles of all kinds fit into <see cref="nint"/>.</summary>
internal sealed unsafe class MpiLibrary
{
    private readonly delegate* unmanaged<nint, nint, int, int*, int> initThread;
    private readonly delegate* unmanaged<int> finalize;
    private readonly delegate* unmanaged<nint, int*, int> rank;
    private readonly delegate* unmanaged<nint, int*, int> size;
    private readonly delegate* unmanaged<nint, int, int, nint*, int> split;
    private readonly delegate* unmanaged<nint*, int> free;
    private readonly delegate* unmanaged<nint, int, int> abort;
    private readonly delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int> sum;
    private readonly delegate* unmanaged<nint, int, nint, int, nint, nint*, int> broadcast;
    private readonly delegate* unmanaged<nint, nint*, int> barrier;
    private readonly delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int> send;
    private readonly delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int> receive;
    private readonly delegate* unmanaged<nint*, int*, nint, int> test;

    private MpiLibrary(nint library, string name)
    {
        Handles = MpiHandles.Of(library, name);
        Name = name;
        initThread = (delegate* unmanaged<nint, nint, int, int*, int>)Export("Init_thread");
        finalize = (delegate* unmanaged<int>)Export("Finalize");
        rank = (delegate* unmanaged<nint, int*, int>)Export("Comm_rank");
        size = (delegate* unmanaged<nint, int*, int>)Export("Comm_size");
        split = (delegate* unmanaged<nint, int, int, nint*, int>)Export("Comm_split");
        free = (delegate* unmanaged<nint*, int>)Export("Comm_free");
        abort = (delegate* unmanaged<nint, int, int>)Export("Abort");
        sum = (delegate* unmanaged<nint, nint, int, nint, nint, nint, nint*, int>)Export("Iallreduce");
        broadcast = (delegate* unmanaged<nint, int, nint, int, nint, nint*, int>)Export("Ibcast");
        barrier = (delegate* unmanaged<nint, nint*, int>)Export("Ibarrier");
        send = (delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int>)Export("Isend");
        receive = (delegate* unmanaged<nint, int, nint, int, int, nint, nint*, int>)Export("Irecv");
        test = (delegate* unmanaged<nint*, int*, nint, int>)Export("Test");

        nint Export(string function) => NativeLibrary.GetExport(library, $"MPI_{function}");
    }

    public MpiHandles Handles { get; }

    /// <summary>What it was loaded as.</summary>
    public string Name { get; }

    /// <summary>Loads the first one that is there.</summary>
    /// <exception cref="CommunicatorException">None is.</exception>
    public static MpiLibrary Load(Launch launch)
    {
        foreach (var name in launch.Libraries)
        {
            if (NativeLibrary.TryLoad(name, out var library))
                return new(library, name);
        }

        throw new CommunicatorException(
            $"{launch.Launcher} has started {launch.Size} processes, but the library of MPI that goes with it ({string.Join(" or ", launch.Libraries)}) is not found; install it, in Debian and Ubuntu the package {launch.Package}, or name its file in {Launch.LibraryVariable}.");
    }

    public void Init()
    {
        int provided;
        Check(initThread(0, 0, Handles.Serialized, &provided), "Init_thread");
    }

    public void Finish() => Check(finalize(), "Finalize");

    public int Rank(nint communicator)
    {
        int value;
        Check(rank(communicator, &value), "Comm_rank");
        return value;
    }

    public int Size(nint communicator)
    {
        int value;
        Check(size(communicator, &value), "Comm_size");
        return value;
    }

    public nint Split(nint communicator, int group, int order)
    {
        nint made = 0;
        Check(split(communicator, group, order, &made), "Comm_split");
        return made;
    }

    public void Free(nint communicator) => Check(free(&communicator), "Comm_free");

    public void Abort(nint communicator, int code) => Check(abort(communicator, code), "Abort");

    public nint Sum(nint communicator, MessageMemory memory)
    {
        nint request = 0;
        Check(
            sum(Handles.InPlace, memory.Address, (int)memory.Count, Handles.Of(memory.Type), Handles.Sum, communicator, &request),
            "Iallreduce");
        return request;
    }

    public nint Broadcast(nint communicator, MessageMemory memory, int from)
    {
        nint request = 0;
        Check(broadcast(memory.Address, (int)memory.Count, Handles.Of(memory.Type), from, communicator, &request), "Ibcast");
        return request;
    }

    public nint Barrier(nint communicator)
    {
        nint request = 0;
        Check(barrier(communicator, &request), "Ibarrier");
        return request;
    }

    public nint Send(nint communicator, MessageMemory memory, int to, int tag)
    {
        nint request = 0;
        Check(send(memory.Address, (int)memory.Count, Handles.Of(memory.Type), to, tag, communicator, &request), "Isend");
        return request;
    }

    public nint Receive(nint communicator, MessageMemory memory, int from, int tag)
    {
        nint request = 0;
        Check(receive(memory.Address, (int)memory.Count, Handles.Of(memory.Type), from, tag, communicator, &request), "Irecv");
        return request;
    }

    /// <summary>Moves a request on.</summary>
    /// <returns>Whether it has ended; it is then no more.</returns>
    public bool Test(ref nint request)
    {
        int hasEnded = 0;
        fixed (nint* address = &request)
            Check(test(address, &hasEnded, Handles.IgnoredStatus), "Test");
        return hasEnded != 0;
    }

    // By default MPI ends the process itself when something fails; this is for libraries that are set otherwise.
    private void Check(int code, string function)
    {
        if (code != 0)
            throw new CommunicatorException($"MPI_{function} of '{Name}' failed with error {code}; the job ends, and can be resumed.");
    }
}
