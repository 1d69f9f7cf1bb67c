namespace StreamingCnn.Interop;

/// <summary>
/// Divides a range of addresses into blocks: best fit among the gaps, lowest address first, and neighbouring gaps joined. It knows numbers
/// only; the memory is somebody else's.
/// </summary>
/// <param name="size">Length of the range.</param>
internal sealed class BlockMap(long size)
{
    // In the order of their starts, with no two of them touching.
    private readonly List<(long Start, long End)> gaps = [(0, size)];
    private readonly Dictionary<long, long> taken = [];

    /// <summary>The gaps, in the order of their starts.</summary>
    public IReadOnlyList<(long Start, long End)> Gaps => gaps;

    /// <summary>Sum of the lengths of all blocks.</summary>
    public long Taken { get; private set; }

    /// <summary>The most that was taken at a time.</summary>
    public long PeakTaken { get; private set; }

    /// <summary>One past the highest position that was ever taken.</summary>
    public long Reach { get; private set; }

    /// <summary>Takes a block.</summary>
    /// <param name="length">At least 1.</param>
    /// <returns>Its start, or -1 when no gap is large enough.</returns>
    public long Take(long length)
    {
        var best = -1;
        for (var i = 0; i < gaps.Count; i++)
        {
            var room = gaps[i].End - gaps[i].Start;
            if (room >= length && (best < 0 || room < gaps[best].End - gaps[best].Start))
                best = i;
        }

        if (best < 0)
            return -1;
        var (start, end) = gaps[best];
        if (start + length == end)
            gaps.RemoveAt(best);
        else
            gaps[best] = (start + length, end);
        taken.Add(start, length);
        Taken += length;
        PeakTaken = Math.Max(PeakTaken, Taken);
        Reach = Math.Max(Reach, start + length);
        return start;
    }

    /// <summary>Gives a block back.</summary>
    /// <param name="start">What <see cref="Take"/> returned.</param>
    /// <exception cref="ArgumentException">No block starts there.</exception>
    public void Give(long start)
    {
        if (!taken.Remove(start, out var length))
            throw new ArgumentException($"No block starts at {start}.", nameof(start));
        Taken -= length;
        var end = start + length;
        var after = FirstAfter(start);
        var joinsAfter = after < gaps.Count && gaps[after].Start == end;
        if (joinsAfter)
            end = gaps[after].End;
        if (after > 0 && gaps[after - 1].End == start)
        {
            gaps[after - 1] = (gaps[after - 1].Start, end);
            if (joinsAfter)
                gaps.RemoveAt(after);
        }
        else if (joinsAfter)
        {
            gaps[after] = (start, end);
        }
        else
        {
            gaps.Insert(after, (start, end));
        }
    }

    private int FirstAfter(long start)
    {
        var (low, high) = (0, gaps.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (gaps[middle].Start < start)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
