using StreamingCnn.Imaging.Maps;

namespace StreamingCnn.Training.Maps;

/// <summary>
/// Compares the boundaries of two maps of classes while their rows come: of each class how many pixels at the boundary of its regions lie
/// within a distance of such pixels of the other map. A pixel is at a boundary that has a neighbour by a side of another class; the image's
/// border and pixels that do not count are none.
/// </summary>
/// <param name="classes">Number of classes.</param>
/// <param name="tolerance">The greatest distance, from centre to centre in pixels.</param>
internal sealed class BoundaryMatch(int classes, int tolerance)
{
    // A row is of boundaries when the one below is there, and is compared when those within the distance are.
    private readonly Dictionary<long, (short[] Predicted, short[] True)> boundaries = [];
    private readonly long[,] counts = new long[classes, 4];
    private (byte[] Predicted, byte[] True)? before;
    private (byte[] Predicted, byte[] True)? last;
    private long marked;
    private long compared;

    /// <summary>The counts of each class, once all rows have come.</summary>
    public IReadOnlyList<BoundaryCounts> Counts =>
    [
        .. Enumerable.Range(0, classes).Select(
            label => new BoundaryCounts(counts[label, 0], counts[label, 1], counts[label, 2], counts[label, 3])),
    ];

    /// <summary>Takes the next row of both maps, in which <see cref="MapClass.NoData"/> stands for pixels that do not count.</summary>
    public void Write(ReadOnlySpan<byte> predicted, ReadOnlySpan<byte> actual)
    {
        (byte[] Predicted, byte[] True) row = (predicted.ToArray(), actual.ToArray());
        if (last is not null)
            Mark(row);
        (before, last) = (last, row);
    }

    /// <summary>Told behind the last row.</summary>
    public void Complete()
    {
        if (last is not null)
            Mark(null);
        while (compared < marked)
            Compare();
    }

    private void Mark((byte[] Predicted, byte[] True)? below)
    {
        boundaries[marked++] = (
            Boundary(before?.Predicted, last!.Value.Predicted, below?.Predicted), Boundary(before?.True, last.Value.True, below?.True));
        while (compared + tolerance < marked)
            Compare();
    }

    /// <summary>The class of each pixel that is at a boundary; -1 elsewhere.</summary>
    private static short[] Boundary(byte[]? above, byte[] row, byte[]? below)
    {
        var found = new short[row.Length];
        for (var x = 0; x < row.Length; x++)
        {
            var own = row[x];
            var isEdge = own != MapClass.NoData && (Differs(above, x) || Differs(below, x)
                || (x > 0 && Other(row[x - 1])) || (x + 1 < row.Length && Other(row[x + 1])));
            found[x] = isEdge ? own : (short)-1;

            bool Differs(byte[]? other, int at) => other is not null && Other(other[at]);
            bool Other(byte neighbour) => neighbour != own && neighbour != MapClass.NoData;
        }

        return found;
    }

    private void Compare()
    {
        var (predicted, actual) = boundaries[compared];
        Count(predicted, 0, near => near.True);
        Count(actual, 2, near => near.Predicted);
        boundaries.Remove(compared - tolerance);
        compared++;
    }

    private void Count(short[] row, int column, Func<(short[] Predicted, short[] True), short[]> other)
    {
        var around = new List<(short[] Row, int Reach)>();
        for (var y = Math.Max(0, compared - tolerance); y < Math.Min(marked, compared + tolerance + 1); y++)
        {
            var distance = y - compared;
            around.Add((other(boundaries[y]), (int)Math.Sqrt(((double)tolerance * tolerance) - (distance * distance))));
        }

        for (var x = 0; x < row.Length; x++)
        {
            if (row[x] < 0)
                continue;
            counts[row[x], column]++;
            foreach (var (candidates, reach) in around)
            {
                var from = Math.Max(0, x - reach);
                if (candidates.AsSpan(from, Math.Min(row.Length, x + reach + 1) - from).Contains(row[x]))
                {
                    counts[row[x], column + 1]++;
                    break;
                }
            }
        }
    }
}
