using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// What tiles leave of a map along one axis: of each the last few positions, which later ones read, and which those are. Strips that are
/// wider than a tile have several homes.
/// </summary>
internal sealed class SeamAxis
{
    private readonly ExactlyOnceLayout layout;
    private readonly int node;
    private readonly bool[] isRead;
    private readonly bool[] isReadAtOnce;
    private readonly HomeRange[][] reads;
    private Interval[] homes;
    private Interval[] chunks;
    private SeamAxis? whole;

    /// <param name="layout">The grid along the axis.</param>
    /// <param name="node">The map.</param>
    /// <param name="readers">The computed maps that read it, through views as well.</param>
    public SeamAxis(ExactlyOnceLayout layout, int node, IReadOnlyList<int> readers)
    {
        (this.layout, this.node) = (layout, node);
        homes = new Interval[layout.Steps];
        chunks = new Interval[layout.Steps];
        isRead = new bool[layout.Steps];
        isReadAtOnce = new bool[layout.Steps];
        LastReader = new int[layout.Steps];
        NextReader = new int[layout.Steps];
        FirstReader = new int[layout.Steps];
        for (var step = 0; step < layout.Steps; step++)
        {
            homes[step] = layout.Computed(node, step);
            LastReader[step] = step;
        }

        Array.Fill(NextReader, -1);
        Array.Fill(FirstReader, -1);
        reads = [.. readers.Select(reader => Follow(layout, reader))];
        for (var step = 0; step < layout.Steps; step++)
            FollowWindow(step);
        for (var step = 0; step < layout.Steps; step++)
        {
            // Low is monotone, so what any later tile reads of this one is a suffix of it, and the next tile reads the longest. A stride
            // may leave nothing to read.
            var start = LastReader[step] > step ? Math.Max(layout.Low(node, step + 1), homes[step].Start) : homes[step].End;
            chunks[step] = homes[step] with { Start = start };
            isRead[step] = FirstReader[step] >= 0;
            isReadAtOnce[step] = FirstReader[step] == step;
            NextReader[step] = NextReader[step] < 0 ? step : NextReader[step];
            FirstReader[step] = FirstReader[step] < 0 ? step : FirstReader[step];
        }
    }

    /// <summary>The same for a process that runs some tiles alone: of those before them it holds no more than its own read.</summary>
    public SeamAxis Within(HomeRange steps)
    {
        var part = (SeamAxis)MemberwiseClone();
        part.whole = whole ?? this;
        var first = steps.IsEmpty ? 0 : layout.Low(node, steps.Start);
        (part.homes, part.chunks) = (Held(part.whole.homes), Held(part.whole.chunks));
        return part;

        Interval[] Held(Interval[] intervals) => [.. intervals.Select((all, step) => step < steps.Start ? Read(all) : all)];

        Interval Read(Interval all) => all with { Start = Math.Max(all.Start, Math.Min(first, all.End)) };
    }

    /// <summary>Number of tiles.</summary>
    public int Steps => homes.Length;

    /// <summary>Of each tile the last one that reads positions of it; itself where none does.</summary>
    public int[] LastReader { get; }

    /// <summary>Of each tile the first one behind it that reads positions of it; itself where none does.</summary>
    public int[] NextReader { get; }

    /// <summary>Of each tile the first one that reads positions of it, which may be itself.</summary>
    public int[] FirstReader { get; }

    /// <summary>Number of readers.</summary>
    public int Readers => reads.Length;

    /// <summary>The tiles of which a reader reads positions at a tile, itself among them; none where it computes nothing there.</summary>
    public HomeRange Read(int reader, int step) => reads[reader][step];

    /// <summary>The tiles that lie between the first and the last of which any reader reads positions at some tiles.</summary>
    public HomeRange ReadBy(HomeRange steps)
    {
        var all = default(HomeRange);
        for (var step = steps.Start; step < steps.End; step++)
            all = reads.Aggregate(all, (hull, reader) => hull.Hull(reader[step]));
        return all;
    }

    /// <summary>All positions that the tile computes.</summary>
    public Interval Home(int step) => homes[step];

    /// <summary>The same, but nothing of a tile of which nothing is read.</summary>
    public Interval ReadHome(int step) => isRead[step] ? homes[step] : default;

    /// <summary>Whether a tile reads of itself; late maps may wait, and read of it later.</summary>
    public bool IsReadAtOnce(int step) => isReadAtOnce[step];

    /// <summary>Those positions that later tiles read.</summary>
    public Interval Chunk(int step) => chunks[step];

    /// <summary>The tile that computes <paramref name="position"/>, of those before another; that one where it is none of them.</summary>
    public int HomeOf(long position, int before)
    {
        int first = 0, last = before;
        while (first < last)
        {
            var middle = (first + last) / 2;
            if (homes[middle].End > position)
                last = middle;
            else
                first = middle + 1;
        }

        return first;
    }

    /// <summary>Whether any tile leaves anything.</summary>
    public bool IsCarried => Chunks().Any(length => length > 0);

    /// <summary>Of each tile the length of <see cref="ReadHome"/>; 0 for those that are left out.</summary>
    public long[] Homes(Func<int, bool>? chosen = null) =>
        Lengths(homes, chosen is null ? step => isRead[step] : step => isRead[step] && chosen(step));

    /// <summary>Of each tile the length of <see cref="Chunk"/>; 0 for those that are left out.</summary>
    public long[] Chunks(Func<int, bool>? chosen = null) => Lengths(chunks, chosen ?? (_ => true));

    private static long[] Lengths(Interval[] intervals, Func<int, bool> chosen)
    {
        var lengths = new long[intervals.Length];
        for (var step = 0; step < lengths.Length; step++)
            lengths[step] = chosen(step) ? intervals[step].Length : 0;
        return lengths;
    }

    /// <summary>Notes where a reader reads, from tile to tile.</summary>
    private HomeRange[] Follow(ExactlyOnceLayout layout, int reader)
    {
        var read = new HomeRange[homes.Length];
        for (var step = 0; step < homes.Length; step++)
        {
            if (layout.Computed(reader, step).IsEmpty || layout.Patch(reader, step).Span.Interval is not { IsEmpty: false } span)
                continue;
            var first = HomeOf(span.Start, step);
            var home = first;
            for (; home <= step && homes[home].Start < span.End; home++)
                Note(home, step);
            read[step] = new(first, home);
        }

        return read;
    }

    /// <summary>
    /// Notes what lies between the readers of a tile: its window holds that too, and takes it from where others have it read.
    /// </summary>
    private void FollowWindow(int step)
    {
        var window = reads.Aggregate(default(HomeRange), (all, reader) => all.Hull(reader[step]));
        for (var home = window.Start; home < window.End; home++)
        {
            if (FirstReader[home] >= 0)
                Note(home, step);
        }
    }

    private void Note(int home, int step)
    {
        LastReader[home] = Math.Max(LastReader[home], step);
        FirstReader[home] = FirstReader[home] < 0 ? step : Math.Min(FirstReader[home], step);
        if (step > home)
            NextReader[home] = NextReader[home] < 0 ? step : Math.Min(NextReader[home], step);
    }
}
