namespace StreamingCnn.Imaging.Maps.Regions;

/// <summary>A corner of an outline, and the next one.</summary>
internal sealed class OutlineCorner(long x, long y, bool isShared)
{
    public long X => x;

    public long Y => y;

    /// <summary>Whether two parts of one region touch here by their corners, so that the outline may come by twice.</summary>
    public bool IsShared => isShared;

    public OutlineCorner? Next { get; set; }
}

/// <summary>
/// A part of an outline that is open at both ends, which lie on the line that is being swept: corners in the order in which they are
/// walked, the region on the right (clockwise around it as seen, y pointing down).
/// </summary>
internal sealed class Outline : Merging<Outline>
{
    private OutlineCorner first;
    private OutlineCorner last;

    public Outline(OutlineCorner corner) => (first, last) = (corner, corner);

    public void Append(OutlineCorner corner)
    {
        var whole = Found;
        whole.last.Next = corner;
        whole.last = corner;
    }

    public void Prepend(OutlineCorner corner)
    {
        var whole = Found;
        corner.Next = whole.first;
        whole.first = corner;
    }

    /// <summary>Goes on from this end at the beginning of another outline.</summary>
    /// <returns>The first corner of the ring that is closed by that; null where the two were different ones.</returns>
    public OutlineCorner? Join(Outline beginning, OutlineCorner corner)
    {
        var (whole, rest) = (Found, beginning.Found);
        whole.Append(corner);
        if (whole == rest)
            return whole.first;
        whole.last.Next = rest.first;
        whole.last = rest.last;
        rest.Become(whole);
        return null;
    }
}
