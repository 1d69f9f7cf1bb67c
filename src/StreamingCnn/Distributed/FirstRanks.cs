namespace StreamingCnn.Distributed;

/// <summary>
/// As many of the first ranks of a communicator as have work at present: those talk to each other alone, and so do the others. A batch that
/// is no multiple of the number of ranks leaves some without an image in its last round.
/// </summary>
public sealed class FirstRanks : ICommunicator
{
    private readonly ICommunicator all;
    private readonly Dictionary<int, ICommunicator> parts = [];
    private ICommunicator present;

    /// <summary>Begins with all ranks.</summary>
    /// <param name="all">The ranks. They stay the caller's.</param>
    public FirstRanks(ICommunicator all)
    {
        ArgumentNullException.ThrowIfNull(all);
        (this.all, present) = (all, all);
    }

    /// <inheritdoc/>
    public int Rank => present.Rank;

    /// <inheritdoc/>
    public int Size => present.Size;

    /// <summary>Number of all ranks.</summary>
    public int Total => all.Size;

    /// <summary>From now on the first ranks are one group, and the rest another. All ranks call it with the same number.</summary>
    /// <param name="count">From 1 to the number of all ranks.</param>
    public void Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, all.Size);
        if (count == all.Size)
            present = all;
        else if (parts.TryGetValue(count, out var part))
            present = part;
        else
            parts.Add(count, present = all.Split(all.Rank < count ? 0 : 1, all.Rank));
    }

    /// <inheritdoc/>
    public IPendingMessage Sum(MessageMemory memory) => present.Sum(memory);

    /// <inheritdoc/>
    public IPendingMessage Broadcast(MessageMemory memory, int from) => present.Broadcast(memory, from);

    /// <inheritdoc/>
    public IPendingMessage Send(MessageMemory memory, int to, int tag = 0) => present.Send(memory, to, tag);

    /// <inheritdoc/>
    public IPendingMessage Receive(MessageMemory memory, int from, int tag = 0) => present.Receive(memory, from, tag);

    /// <inheritdoc/>
    public IPendingMessage Barrier() => present.Barrier();

    /// <inheritdoc/>
    public ICommunicator Split(int group, int order) => present.Split(group, order);

    /// <inheritdoc/>
    public void Abort(string sentence) => all.Abort(sentence);

    /// <summary>Frees the groups; the ranks that it was made of stay.</summary>
    public void Dispose()
    {
        foreach (var part in parts.Values)
            part.Dispose();
        parts.Clear();
        present = all;
    }
}
