namespace StreamingCnn.Distributed;

/// <summary>One process alone: a sum of one is what it is.</summary>
public sealed class SingleProcess : ICommunicator
{
    private static readonly IPendingMessage Ended = new EndedMessage();

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public IPendingMessage Sum(MessageMemory memory) => Ended;

    /// <inheritdoc/>
    public IPendingMessage Broadcast(MessageMemory memory, int from) => Ended;

    /// <exception cref="CommunicatorException">Always: there is nobody.</exception>
    public IPendingMessage Send(MessageMemory memory, int to, int tag = 0) => throw Nobody(to);

    /// <exception cref="CommunicatorException">Always: there is nobody.</exception>
    public IPendingMessage Receive(MessageMemory memory, int from, int tag = 0) => throw Nobody(from);

    /// <inheritdoc/>
    public IPendingMessage Barrier() => Ended;

    /// <inheritdoc/>
    public ICommunicator Split(int group, int order) => new SingleProcess();

    /// <exception cref="CommunicatorException">Always, with the sentence.</exception>
    public void Abort(string sentence) => throw new CommunicatorException(sentence);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static CommunicatorException Nobody(int rank) =>
        new($"There is no rank {rank} to exchange messages with: this process works alone.");

    private sealed class EndedMessage : IPendingMessage
    {
        public bool HasEnded() => true;

        public void Wait()
        {
        }
    }
}
