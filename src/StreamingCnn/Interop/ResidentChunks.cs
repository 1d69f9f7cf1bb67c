namespace StreamingCnn.Interop;

/// <summary>
/// Which memory of a range of addresses the system has given: what was touched and not emptied since, in the units in which it gives memory
/// to large ranges.
/// </summary>
/// <param name="size">Length of the range.</param>
internal sealed class ResidentChunks(long size)
{
    /// <summary>Bytes of a chunk: a huge page, which is there as a whole when any of it is touched.</summary>
    public const long Chunk = 2 << 20;

    private readonly bool[] isThere = new bool[(size + Chunk - 1) / Chunk];

    /// <summary>Bytes of all chunks that are there.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes that come when all between two positions is touched.</summary>
    public long Absent(long start, long end) => Touched(start, end).Count(false) * Chunk;

    /// <summary>All between two positions is touched.</summary>
    public void Touch(long start, long end)
    {
        Bytes += Absent(start, end);
        Touched(start, end).Fill(true);
    }

    /// <summary>
    /// The end of a gap that holds so many bytes in chunks which touch nothing else; all such chunks of the gap where they hold less.
    /// </summary>
    public (long Start, long End) Last(long start, long end, long bytes)
    {
        var (first, last) = Whole(start, end);
        var from = last;
        for (var found = 0L; from > first && found < bytes; from--)
            found += isThere[from - 1] ? Chunk : 0;
        return (from * Chunk, last * Chunk);
    }

    /// <summary>Bytes that emptying a gap gives back.</summary>
    public long Within(long start, long end)
    {
        var (first, last) = Whole(start, end);
        return isThere.AsSpan(first, last - first).Count(true) * Chunk;
    }

    /// <summary>A gap was emptied.</summary>
    public void Empty(long start, long end)
    {
        Bytes -= Within(start, end);
        var (first, last) = Whole(start, end);
        isThere.AsSpan(first, last - first).Clear();
    }

    private Span<bool> Touched(long start, long end)
    {
        var first = (int)(start / Chunk);
        return isThere.AsSpan(first, (int)((end + Chunk - 1) / Chunk) - first);
    }

    private static (int First, int Last) Whole(long start, long end)
    {
        var first = (int)((start + Chunk - 1) / Chunk);
        return (first, Math.Max(first, (int)(end / Chunk)));
    }
}
