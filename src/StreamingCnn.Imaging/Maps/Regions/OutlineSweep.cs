using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging.Maps.Regions;

/// <summary>
/// Follows outlines along the line between two rows, from left to right. At each crossing of the grid the four positions around it say how
/// an outline goes on: whoever arrives turns to the right as soon as the region on that side ends.
/// </summary>
internal ref struct OutlineSweep
{
    private const int Outside = -1;

    private readonly Span<MapRun> above;
    private readonly Span<MapRun> below;
    private readonly long y;

    // Outlines along the line: one that comes along above, whose end moves right, and one that goes left, whose beginning does.
    private Outline? rightward;
    private Outline? leftward;

    private OutlineSweep(List<MapRun> above, List<MapRun> below, long y)
    {
        this.above = CollectionsMarshal.AsSpan(above);
        this.below = CollectionsMarshal.AsSpan(below);
        this.y = y;
    }

    /// <summary>Goes along a line.</summary>
    /// <param name="above">The runs above it, which fill their row; none above the first row.</param>
    /// <param name="below">The runs below it; none below the last row.</param>
    /// <param name="y">Its number: that of the row below it.</param>
    public static void Run(List<MapRun> above, List<MapRun> below, long y)
    {
        var sweep = new OutlineSweep(above, below, y);
        var width = above.Count > 0 ? above[^1].End : below[^1].End;
        var (i, j, x) = (above.Count > 0 ? 0 : Outside, below.Count > 0 ? 0 : Outside, 0L);
        // Runs to the left of the crossing, and to its right.
        var (a, b) = (Outside, Outside);
        while (true)
        {
            sweep.Cross(x, a, i, b, j);
            if (x == width)
                return;
            var (endAbove, endBelow) = (i < 0 ? width : above[i].End, j < 0 ? width : below[j].End);
            x = Math.Min(endAbove, endBelow);
            (a, b) = (i, j);
            if (i >= 0 && endAbove == x)
                i = i + 1 < above.Count ? i + 1 : Outside;
            if (j >= 0 && endBelow == x)
                j = j + 1 < below.Count ? j + 1 : Outside;
        }
    }

    /// <summary>One crossing, of the runs to its upper left, upper right, lower left and lower right.</summary>
    private void Cross(long x, int a, int i, int b, int j)
    {
        var line = y;
        var (nw, ne, sw, se) = (NumberOf(above, a), NumberOf(above, i), NumberOf(below, b), NumberOf(below, j));
        var (top, left, right, bottom) = (nw != ne, nw != sw, ne != se, sw != se);
        // Beginnings and ends of outlines that come to the crossing; those of the class that is passed over are not there.
        var fromAbove = top && a >= 0 ? above[a].Right : null;
        var upward = top && i >= 0 ? above[i].Left : null;
        var (fromLeft, toLeft) = (rightward, leftward);
        var isShared = (nw == se && top && left) || (ne == sw && top && right);
        Outline? toRight = null, fromRight = null, down = null, fromBelow = null;

        if (fromAbove is not null)
        {
            if (left)
                Close(fromAbove.Join(toLeft!, Corner()), above[a]);
            else if (bottom)
                down = fromAbove;
            else
                toRight = Appended(fromAbove);
        }

        if (fromLeft is not null)
        {
            if (bottom)
                down = Appended(fromLeft);
            else if (right)
                toRight = fromLeft;
            else
                Close(fromLeft.Join(upward!, Corner()), below[b]);
        }

        if (bottom && IsTraced(below, j))
        {
            if (right)
                fromBelow = toRight = new Outline(Corner());
            else if (top)
                fromBelow = upward;
            else
                fromBelow = Prepended(toLeft!);
        }

        if (right && IsTraced(above, i))
        {
            if (top)
                fromRight = Prepended(upward!);
            else if (left)
                fromRight = toLeft;
            else
                fromRight = down = new Outline(Corner());
        }

        if (bottom && b >= 0)
            below[b].Right = down;
        if (bottom && j >= 0)
            below[j].Left = fromBelow;
        (rightward, leftward) = (toRight, fromRight);

        OutlineCorner Corner() => new(x, line, isShared);

        Outline Appended(Outline outline)
        {
            outline.Append(Corner());
            return outline;
        }

        Outline Prepended(Outline outline)
        {
            outline.Prepend(Corner());
            return outline;
        }
    }

    private static void Close(OutlineCorner? ring, in MapRun run)
    {
        if (ring is not null)
            run.Region!.Found.Close(ring);
    }

    private static int NumberOf(Span<MapRun> runs, int run) => run < 0 ? Outside : runs[run].Number;

    private static bool IsTraced(Span<MapRun> runs, int run) => run >= 0 && runs[run].Region is not null;
}
