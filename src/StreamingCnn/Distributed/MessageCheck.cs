namespace StreamingCnn.Distributed;

/// <summary>Refuses messages that cannot be.</summary>
internal static class MessageCheck
{
    /// <exception cref="ArgumentException">They are bytes.</exception>
    public static void Addable(MessageMemory memory)
    {
        if (memory.Type == MessageType.Byte)
            throw new ArgumentException("Bytes cannot be added up; hand in numbers of type float32, float64 or int64.", nameof(memory));
    }

    /// <exception cref="ArgumentOutOfRangeException">There is no such rank.</exception>
    public static void Rank(int rank, int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
    }
}
