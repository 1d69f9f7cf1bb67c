namespace StreamingCnn.Interop;

/// <summary>
/// The heap's addresses: a range for blocks that come and go with a tile, and one for those that outlive many tiles. While runs go on that
/// have said what they take, gaps are emptied before the memory that the system has given outgrows that. It knows numbers only; the memory
/// is somebody else's.
/// </summary>
/// <param name="half">Length of either range, in whole chunks; the second one lies behind the first.</param>
/// <param name="empty">Gives the memory between two positions back to the system.</param>
internal sealed class HeapSpace(long half, Action<long, long> empty)
{
    // Where more is alive than was said, this share of it may lie in gaps: or else every block would empty some and fill others.
    private const long ShareOfGaps = 32;

    private readonly BlockMap lasting = new(half);
    private readonly ResidentChunks resident = new(2 * half);
    private int runs;
    private long limit;

    /// <summary>Blocks of tensors that come and go with a tile.</summary>
    public BlockMap Passing { get; } = new(half);

    /// <summary>Bytes of all blocks.</summary>
    public long Taken => Passing.Taken + lasting.Taken;

    /// <summary>Bytes that the system has given at most: those of all chunks that were touched and not emptied since.</summary>
    public long Resident => resident.Bytes;

    /// <summary>A run begins.</summary>
    /// <param name="bytes">What it takes at most, besides what is taken now.</param>
    public void Begin(long bytes)
    {
        limit = (runs > 0 ? Math.Max(limit, Taken) : Taken) + bytes;
        runs++;
    }

    /// <summary>A run has ended.</summary>
    /// <param name="bytes">What it has begun with.</param>
    public void End(long bytes)
    {
        limit -= bytes;
        runs--;
    }

    /// <summary>Takes a block.</summary>
    /// <param name="length">At least 1.</param>
    /// <param name="outlivesTiles">Whether it lies in the second range.</param>
    /// <returns>Its start, or -1 when no gap is large enough.</returns>
    public long Take(long length, bool outlivesTiles)
    {
        var start = (outlivesTiles ? lasting : Passing).Take(length);
        if (start < 0)
            return -1;
        if (outlivesTiles)
            start += half;
        if (resident.Absent(start, start + length) is > 0 and var absent)
        {
            if (runs > 0)
                Shrink(resident.Bytes + absent - Math.Max(limit, Taken + (Taken / ShareOfGaps)));
            resident.Touch(start, start + length);
        }

        return start;
    }

    /// <summary>Gives a block back.</summary>
    /// <param name="start">What <see cref="Take"/> returned.</param>
    /// <exception cref="ArgumentException">No block starts there.</exception>
    public void Give(long start)
    {
        if (start < half)
            Passing.Give(start);
        else
            lasting.Give(start - half);
    }

    /// <summary>Empties all gaps.</summary>
    public void Trim()
    {
        Trim(Passing, 0);
        Trim(lasting, half);

        void Trim(BlockMap map, long origin)
        {
            foreach (var (from, to) in map.Gaps)
                Empty(origin + from, origin + Math.Min(to, Touched(map)));
        }
    }

    // Chunks are there as a whole, so the last one is there up to its end.
    private static long Touched(BlockMap map) => (map.Reach + ResidentChunks.Chunk - 1) / ResidentChunks.Chunk * ResidentChunks.Chunk;

    private void Empty(long start, long end)
    {
        if (start >= end)
            return;
        empty(start, end);
        resident.Empty(start, end);
    }

    /// <summary>Empties the largest gaps, from their ends on, since blocks are taken from their starts.</summary>
    private void Shrink(long bytes)
    {
        while (bytes > 0)
        {
            var (start, end, most) = Fullest(lasting, half, Fullest(Passing, 0, default));
            if (most == 0)
                return;
            (start, end) = resident.Last(start, end, bytes);
            bytes -= resident.Within(start, end);
            Empty(start, end);
        }
    }

    private (long Start, long End, long Bytes) Fullest(BlockMap map, long origin, (long Start, long End, long Bytes) best)
    {
        var touched = Touched(map);
        foreach (var (from, to) in map.Gaps)
        {
            var (start, end) = (origin + from, origin + Math.Min(to, touched));
            if (end - start > best.Bytes && resident.Within(start, end) is var bytes && bytes > best.Bytes)
                best = (start, end, bytes);
        }

        return best;
    }
}
