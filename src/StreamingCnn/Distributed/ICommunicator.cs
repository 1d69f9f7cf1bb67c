namespace StreamingCnn.Distributed;

/// <summary>
/// What processes that work on one task say to each other. Every call starts a message and returns; <see cref="IPendingMessage.Wait"/> ends
/// it, and so there is one form for those that wait and those that compute meanwhile.
/// </summary>
/// <remarks>
/// All ranks call <see cref="Sum"/>, <see cref="Broadcast"/>, <see cref="Barrier"/> and <see cref="Split"/> in the same order, with memory
/// of the same type and length. Messages from one rank to another with one tag arrive in the order in which they were sent. A communicator
/// is used by one thread at a time. A rank that fails ends all: see <see cref="Abort"/>.
/// </remarks>
public interface ICommunicator : IDisposable
{
    /// <summary>Which process this is, from 0 to below <see cref="Size"/>.</summary>
    int Rank { get; }

    /// <summary>How many processes there are.</summary>
    int Size { get; }

    /// <summary>
    /// Starts to add up what all ranks hold; each then has the sum in place of its own. The same bits on every rank, and each time with the
    /// same number of ranks.
    /// </summary>
    /// <param name="memory">Numbers; not <see cref="MessageType.Byte"/>.</param>
    /// <exception cref="ArgumentException">They are bytes.</exception>
    IPendingMessage Sum(MessageMemory memory);

    /// <summary>Starts to give all ranks what one holds.</summary>
    /// <param name="memory">On that rank what is given, on all others what is overwritten.</param>
    /// <param name="from">That rank.</param>
    IPendingMessage Broadcast(MessageMemory memory, int from);

    /// <summary>Starts to send to another rank. It may end only when the other has received.</summary>
    /// <param name="memory">Left as it is until the message has ended.</param>
    /// <param name="to">The other rank.</param>
    /// <param name="tag">Which of several kinds of message, from 0 to 32,767.</param>
    IPendingMessage Send(MessageMemory memory, int to, int tag = 0);

    /// <summary>Starts to receive from another rank.</summary>
    /// <param name="memory">Of the length and type that is sent; not to be read before the message has ended.</param>
    /// <param name="from">The other rank.</param>
    /// <param name="tag">Which of several kinds of message, as it was sent.</param>
    IPendingMessage Receive(MessageMemory memory, int from, int tag = 0);

    /// <summary>Starts to wait for all ranks: ended when all have called it.</summary>
    IPendingMessage Barrier();

    /// <summary>Makes smaller communicators: ranks with one number form one. All ranks call it, and wait for each other.</summary>
    /// <param name="group">Which of them; 0 or positive.</param>
    /// <param name="order">Ranks in it are in this order; of equals in the present one.</param>
    ICommunicator Split(int group, int order);

    /// <summary>Ends the work of all ranks: processes end, with exit code 2; where ranks are threads, their waits throw.</summary>
    /// <param name="sentence">Why.</param>
    void Abort(string sentence);
}
