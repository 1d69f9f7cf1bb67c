namespace StreamingCnn.Distributed.Mpi;

/// <summary>A rank that is a process, by MPI.</summary>
internal sealed class MpiCommunicator : ICommunicator
{
    private const int FailureCode = 2;

    // Counts are C integers; and no library is at its best with messages near their end.
    private const long MostBytes = 1L << 30;

    private static int starts;

    private readonly MpiLibrary library;
    private readonly nint handle;
    private readonly long mostBytes;

    private MpiCommunicator(MpiLibrary library, nint handle, long mostBytes)
    {
        (this.library, this.handle, this.mostBytes) = (library, handle, mostBytes);
        (Rank, Size) = (library.Rank(handle), library.Size(handle));
    }

    public int Rank { get; }

    public int Size { get; }

    /// <summary>Meets all processes that were started together.</summary>
    /// <exception cref="CommunicatorException">The library is missing, does not go with the launcher, or was started before.</exception>
    public static MpiCommunicator Start(Launch launch)
    {
        var library = MpiLibrary.Load(launch);
        if (Interlocked.Exchange(ref starts, 1) != 0)
            throw new CommunicatorException("MPI can be started only once in a process; keep the communicator of the first start.");
        library.Init();
        var world = new MpiCommunicator(library, library.Handles.World, MostBytes);
        if (world.Size == launch.Size)
            return world;
        library.Finish();
        throw new CommunicatorException(
            $"{launch.Launcher} has started {launch.Size} processes, but the library of MPI, {library.Name}, knows of {world.Size}; start with the launcher of that library, or name the library of the launcher in {Launch.LibraryVariable}.");
    }

    /// <summary>The same ranks, whose messages are cut into shorter ones.</summary>
    /// <param name="bytes">The most bytes of each; at least those of a number.</param>
    public MpiCommunicator CutAt(long bytes) => new(library, handle, bytes);

    public IPendingMessage Sum(MessageMemory memory)
    {
        MessageCheck.Addable(memory);
        return Cut(memory, piece => library.Sum(handle, piece));
    }

    public IPendingMessage Broadcast(MessageMemory memory, int from)
    {
        MessageCheck.Rank(from, Size);
        return Cut(memory, piece => library.Broadcast(handle, piece, from));
    }

    public IPendingMessage Send(MessageMemory memory, int to, int tag = 0)
    {
        MessageCheck.Rank(to, Size);
        return Cut(memory, piece => library.Send(handle, piece, to, tag));
    }

    public IPendingMessage Receive(MessageMemory memory, int from, int tag = 0)
    {
        MessageCheck.Rank(from, Size);
        return Cut(memory, piece => library.Receive(handle, piece, from, tag));
    }

    public IPendingMessage Barrier() => new MpiMessage(library, [library.Barrier(handle)], default);

    public ICommunicator Split(int group, int order) => new MpiCommunicator(library, library.Split(handle, group, order), mostBytes);

    public void Abort(string sentence)
    {
        Console.Error.WriteLine($"error: {sentence}");
        Console.Error.Flush();
        Console.Out.Flush();
        library.Abort(library.Handles.World, FailureCode);
    }

    public void Dispose()
    {
        if (handle == library.Handles.World)
            library.Finish();
        else
            library.Free(handle);
    }

    private MpiMessage Cut(MessageMemory memory, Func<MessageMemory, nint> start)
    {
        var most = mostBytes / memory.ElementBytes;
        // A message of nothing is one as well: the other side waits for it.
        var requests = new nint[Math.Max(1, (memory.Count + most - 1) / most)];
        for (var i = 0; i < requests.Length; i++)
            requests[i] = start(memory.Slice(i * most, Math.Min(most, memory.Count - (i * most))));
        return new(library, requests, memory);
    }
}
