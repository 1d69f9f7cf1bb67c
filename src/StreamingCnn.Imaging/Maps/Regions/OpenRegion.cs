namespace StreamingCnn.Imaging.Maps.Regions;

/// <summary>A region whose last row may not have come.</summary>
internal sealed class OpenRegion(byte number) : Merging<OpenRegion>
{
    private List<OutlineCorner> rings = [];
    private long left = long.MaxValue;
    private long right;
    private long top = long.MaxValue;
    private long bottom;
    private double sumX;
    private double sumY;
    private double weights;

    /// <summary>Number of its class.</summary>
    public byte Number => number;

    /// <summary>The last row in which it was seen.</summary>
    public long LastRow { get; set; }

    /// <summary>Positions.</summary>
    public long Area { get; private set; }

    /// <summary>Whether it has been handed out.</summary>
    public bool IsDone { get; set; }

    /// <summary>Adds positions of a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="start">The first column.</param>
    /// <param name="end">The column behind the last one.</param>
    /// <param name="weight">Sum of the weights of the positions.</param>
    public void Add(long row, long start, long end, double weight)
    {
        var length = end - start;
        (left, right) = (Math.Min(left, start), Math.Max(right, end));
        (top, bottom) = (Math.Min(top, row), Math.Max(bottom, row + 1));
        Area += length;
        sumX += length * ((start + end) / 2.0);
        sumY += length * (row + 0.5);
        weights += weight;
    }

    /// <summary>Takes the corners of a ring that is closed.</summary>
    public void Close(OutlineCorner ring) => rings.Add(ring);

    /// <summary>Makes one region of two.</summary>
    public static OpenRegion Merge(OpenRegion a, OpenRegion b)
    {
        (a, b) = (a.Found, b.Found);
        if (a == b)
            return a;
        if (a.rings.Count < b.rings.Count)
            (a, b) = (b, a);
        a.rings.AddRange(b.rings);
        b.rings = [];
        (a.left, a.right) = (Math.Min(a.left, b.left), Math.Max(a.right, b.right));
        (a.top, a.bottom) = (Math.Min(a.top, b.top), Math.Max(a.bottom, b.bottom));
        a.Area += b.Area;
        a.sumX += b.sumX;
        a.sumY += b.sumY;
        a.weights += b.weights;
        b.Become(a);
        return a;
    }

    /// <summary>The region, of which all rows have come.</summary>
    public MapRegion Complete() => new(
        number, Area, new ImageRegion(top, left, bottom - top, right - left), (sumX / Area, sumY / Area), RingSplitter.Rings(rings))
    {
        MeanWeight = weights / Area,
    };
}
