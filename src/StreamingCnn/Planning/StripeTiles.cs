using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// Tiles to try where several processes share an image. A process waits for its neighbour's first row of tiles, so that rows are to be
/// low; a low row loses least where a tile is as wide as a stripe, or a few make one up.
/// </summary>
internal static class StripeTiles
{
    // Widths are multiples of so many pixels.
    private const int Unit = 32;

    // Maps lag behind the image, so that the first stripe has less to do than its width says, and the last one more.
    private const int ShareOfLag = 16;

    // A process waits for so many rows of its own at most.
    private const int MostWaits = 2;

    // Late maps may wait, which small tiles gain by: so many heights below the best one are tried.
    private const int LowerTried = 4;

    /// <summary>Tiles to compare where every map advances with each.</summary>
    /// <param name="heights">Heights to choose from, largest first.</param>
    /// <param name="height">Height of the image.</param>
    /// <param name="width">Its width.</param>
    /// <param name="processes">Number of processes.</param>
    public static IEnumerable<(long Height, long Width)> Of(
        IReadOnlyList<long> heights, long height, long width, int processes)
    {
        var stripe = Rounded(Division.Ceiling(width, processes));
        var wider = Rounded(stripe + (stripe / ShareOfLag));
        foreach (var side in heights.Where(side => side < height && MostWaits * Division.Ceiling(height, side) >= processes))
        {
            yield return (side, Math.Min(width, wider));
            yield return (side, Math.Min(width, stripe));
            for (var tile = stripe / 2; tile >= side; tile /= 2)
                yield return (side, Rounded(tile));
        }
    }

    /// <summary>Tiles of a width that are no higher than one, where late maps wait for several of them.</summary>
    /// <param name="heights">Heights to choose from, largest first.</param>
    /// <param name="tile">The tile.</param>
    public static IEnumerable<(long Height, long Width)> Lower(IReadOnlyList<long> heights, (long Height, long Width) tile) =>
        heights.Where(side => side <= tile.Height).Take(LowerTried + 1).Select(side => (side, tile.Width));

    private static long Rounded(long length) => Math.Max(Unit, Division.Ceiling(length, Unit) * Unit);
}
