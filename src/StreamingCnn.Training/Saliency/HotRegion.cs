namespace StreamingCnn.Training.Saliency;

/// <summary>A connected part of an image in which a map reaches half of its limit or more.</summary>
/// <param name="Rings">
/// Its outline, then the outlines of its holes: corners in pixels of the map, x to the right and y down, the first one not repeated. Large
/// maps are outlined on a grid of at most 2048 cells on a side, whose cells count as hot when one of their pixels is.
/// </param>
/// <param name="Area">Area in pixels of the map.</param>
/// <param name="Mean">Mean of the map over the cells of the grid.</param>
/// <param name="Largest">Largest value of the map, not clipped.</param>
public sealed record HotRegion(IReadOnlyList<IReadOnlyList<(double X, double Y)>> Rings, double Area, double Mean, double Largest)
{
    private const int MostCells = 2048;

    /// <summary>Finds the regions, the hottest first.</summary>
    /// <param name="map">The map.</param>
    public static IReadOnlyList<HotRegion> Find(SaliencyMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        if (map.Limit <= 0)
            return [];
        var grid = HeatGrid.Of(map.HeatFile, MostCells);
        var components = new ConnectedComponents(grid, (float)(map.Limit / 2));
        var outlines = new List<IReadOnlyList<(double X, double Y)>>[components.Count];
        for (var i = 0; i < outlines.Length; i++)
            outlines[i] = [];
        foreach (var (component, corners) in components.Rings())
        {
            var ring = corners.Select(
                corner => ((double)Math.Min(corner.X * grid.Side, map.Width), (double)Math.Min(corner.Y * grid.Side, map.Height)))
                .ToArray();
            // Outlines run the positive way round, holes the other.
            outlines[component].Insert(SignedArea(ring) > 0 ? 0 : outlines[component].Count, ring);
        }

        return
        [
            .. outlines
                .Select((rings, i) => new HotRegion(rings, rings.Sum(SignedArea), components.Mean(i), components.Largest(i)))
                .OrderByDescending(region => region.Largest),
        ];
    }

    /// <summary>The area within a ring, negative where it runs the other way round (the shoelace formula).</summary>
    private static double SignedArea(IReadOnlyList<(double X, double Y)> ring) =>
        ring.Index()
            .Sum(
                corner =>
                    (corner.Item.X * ring[(corner.Index + 1) % ring.Count].Y) - (
                        ring[(corner.Index + 1) % ring.Count].X * corner.Item.Y)) / 2;
}
