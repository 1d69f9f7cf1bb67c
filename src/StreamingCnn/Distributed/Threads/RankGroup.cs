namespace StreamingCnn.Distributed.Threads;

/// <summary>The ranks of a communicator, and the messages between them that have not ended.</summary>
/// <param name="room">Where they wait.</param>
/// <param name="members">Their ranks among all threads.</param>
internal sealed class RankGroup(MeetingRoom room, int[] members)
{
    private readonly Dictionary<long, Gathering> gatherings = [];
    private readonly Dictionary<(int From, int To, int Tag), (Queue<ThreadMessage> Sent, Queue<ThreadMessage> Awaited)> mail = [];

    public int Size => members.Length;

    public MeetingRoom Room => room;

    /// <summary>A rank among all threads.</summary>
    public int Member(int rank) => members[rank];

    /// <summary>Takes part in what all ranks do together; the last one to come does it.</summary>
    /// <param name="number">The how manieth it is.</param>
    /// <param name="rank">Who comes.</param>
    /// <param name="kind">What is done.</param>
    /// <param name="part">What the rank brings.</param>
    /// <param name="finish">Does it with all parts, by rank.</param>
    public Gathering Join(long number, int rank, string kind, object? part, Func<object?[], object?> finish) => room.Do(() =>
    {
        if (!gatherings.TryGetValue(number, out var gathering))
            gatherings[number] = gathering = new(this, kind);
        if (gathering.Kind != kind)
            throw new CommunicatorException(
                $"Rank {rank} calls '{kind}' where another one calls '{gathering.Kind}'; all ranks must do the same in the same order.");
        if (gathering.Come(rank, part, finish))
            gatherings.Remove(number);
        return gathering;
    });

    /// <summary>Sends or receives: the first one waits for the second, who copies.</summary>
    public ThreadMessage Post(int from, int to, int tag, MessageMemory memory, bool isSent) => room.Do(() =>
    {
        var message = new ThreadMessage(this, memory, isSent ? to : from);
        if (!mail.TryGetValue((from, to, tag), out var box))
            mail[(from, to, tag)] = box = ([], []);
        if ((isSent ? box.Awaited : box.Sent).TryDequeue(out var other))
        {
            var (source, target) = isSent ? (memory, other.Memory) : (other.Memory, memory);
            if (source.Type != target.Type || source.Count != target.Count)
            {
                throw new CommunicatorException(
                    $"Rank {from} sends {source.Count} x {source.Type}, but rank {to} awaits {target.Count} x {target.Type}; both must name the same.");
            }

            Copy(source, target);
            message.End();
            other.End();
        }
        else
        {
            (isSent ? box.Sent : box.Awaited).Enqueue(message);
        }

        return message;
    });

    public static unsafe void Copy(MessageMemory source, MessageMemory target) =>
        Buffer.MemoryCopy((void*)source.Address, (void*)target.Address, target.Bytes, source.Bytes);
}

/// <summary>A message from one thread to another.</summary>
internal sealed class ThreadMessage(RankGroup group, MessageMemory memory, int peer) : IPendingMessage
{
    private bool hasEnded;

    public MessageMemory Memory => memory;

    public void End() => hasEnded = true;

    public bool HasEnded() => group.Room.Is(() => hasEnded);

    public void Wait() => group.Room.Wait(() => hasEnded, member => member == group.Member(peer));
}

/// <summary>What all ranks do together.</summary>
internal sealed class Gathering(RankGroup group, string kind) : IPendingMessage
{
    private readonly object?[] parts = new object?[group.Size];
    private readonly bool[] hasCome = new bool[group.Size];
    private int arrived;

    public string Kind => kind;

    public object? Result { get; private set; }

    /// <summary>A rank brings its part.</summary>
    /// <returns>Whether it was the last one.</returns>
    public bool Come(int rank, object? part, Func<object?[], object?> finish)
    {
        (parts[rank], hasCome[rank]) = (part, true);
        if (++arrived < group.Size)
            return false;
        Result = finish(parts);
        return true;
    }

    public bool HasEnded() => group.Room.Is(() => arrived == group.Size);

    public void Wait() => group.Room.Wait(
        () => arrived == group.Size,
        member => Enumerable.Range(0, group.Size).Any(rank => group.Member(rank) == member && !hasCome[rank]));
}
