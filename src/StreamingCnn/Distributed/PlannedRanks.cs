namespace StreamingCnn.Distributed;

/// <summary>Processes that are not there, for plans of what they would do. They exchange no messages.</summary>
/// <param name="size">How many.</param>
/// <param name="processors">How many of them compute at once; null for all.</param>
internal sealed class PlannedRanks(int size, int? processors = null) : ICommunicator
{
    /// <summary>How many of them compute at once.</summary>
    public int Processors => Math.Min(processors ?? size, size);

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => size;

    /// <inheritdoc/>
    public IPendingMessage Sum(MessageMemory memory) => throw AreNotThere();

    /// <inheritdoc/>
    public IPendingMessage Broadcast(MessageMemory memory, int from) => throw AreNotThere();

    /// <inheritdoc/>
    public IPendingMessage Send(MessageMemory memory, int to, int tag = 0) => throw AreNotThere();

    /// <inheritdoc/>
    public IPendingMessage Receive(MessageMemory memory, int from, int tag = 0) => throw AreNotThere();

    /// <inheritdoc/>
    public IPendingMessage Barrier() => throw AreNotThere();

    /// <inheritdoc/>
    public ICommunicator Split(int group, int order) => throw AreNotThere();

    /// <inheritdoc/>
    public void Abort(string sentence) => throw new CommunicatorException(sentence);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static CommunicatorException AreNotThere() => new("These processes are planned with alone; nothing can be run on them.");
}
