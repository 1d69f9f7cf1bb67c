using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// The positions of a map along one axis that are carried across any cut, ordered by their home: of each tile the last few positions, which
/// are stored once. Positions carried across several cuts (tiles smaller than the strips) are stored once as well.
/// </summary>
internal sealed class Band
{
    private readonly Interval[] chunks;
    private readonly Interval[] homes;
    private readonly long[] offsets;

    public Band(ExactlyOnceLayout layout, int node)
    {
        homes = new Interval[layout.Steps];
        chunks = new Interval[layout.Steps];
        offsets = new long[layout.Steps + 1];
        for (var step = 0; step < layout.Steps; step++)
        {
            homes[step] = layout.Computed(node, step);
            // Low is monotone, so what any later tile reads of this one is a suffix of it, and the next tile reads the longest.
            chunks[step] = new(Math.Max(layout.Low(node, step + 1), homes[step].Start), homes[step].End);
            offsets[step + 1] = offsets[step] + chunks[step].Length;
        }
    }

    /// <summary>Number of positions carried.</summary>
    public long Size => offsets[^1];

    /// <summary>All positions that the tile computes.</summary>
    public Interval Home(int step) => homes[step];

    /// <summary>Those of them that are carried.</summary>
    public Interval Chunk(int step) => chunks[step];

    /// <summary>Where the tile's chunk begins when all chunks are laid one behind the other.</summary>
    public long Offset(int step) => offsets[step];

    /// <summary>The tile that computes <paramref name="position"/>, which must lie before the tile <paramref name="before"/>.</summary>
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
}
