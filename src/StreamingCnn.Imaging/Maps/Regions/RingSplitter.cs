namespace StreamingCnn.Imaging.Maps.Regions;

/// <summary>
/// Makes rings that pass no corner twice. Where parts of a region touch by their corners a walk along its outline comes by twice, and is
/// cut there: what lies between is a hole that touches the outline, which polygons may have, while they may not touch themselves.
/// </summary>
internal static class RingSplitter
{
    /// <summary>The outline, then the holes.</summary>
    /// <param name="walks">A corner of each walk.</param>
    public static List<IReadOnlyList<(long X, long Y)>> Rings(IEnumerable<OutlineCorner> walks)
    {
        var rings = new List<IReadOnlyList<(long X, long Y)>>();
        foreach (var walk in walks)
        {
            foreach (var ring in Split(walk))
            {
                rings.Add(ring);
                // The outline runs the positive way round, holes the other.
                if (rings.Count > 1 && SignedArea(ring) > 0)
                    (rings[0], rings[^1]) = (rings[^1], rings[0]);
            }
        }

        return rings;
    }

    private static IEnumerable<(long X, long Y)[]> Split(OutlineCorner walk)
    {
        var path = new List<OutlineCorner>();
        var places = new Dictionary<(long X, long Y), int>();
        for (var corner = walk; corner is not null; corner = corner.Next)
        {
            if (!corner.IsShared)
            {
                path.Add(corner);
            }
            else if (places.TryGetValue((corner.X, corner.Y), out var place))
            {
                yield return Corners(path[place..]);
                foreach (var passed in path[(place + 1)..].Where(passed => passed.IsShared))
                    places.Remove((passed.X, passed.Y));
                path.RemoveRange(place + 1, path.Count - place - 1);
            }
            else
            {
                places.Add((corner.X, corner.Y), path.Count);
                path.Add(corner);
            }
        }

        yield return Corners(path);
    }

    private static (long X, long Y)[] Corners(List<OutlineCorner> path) => [.. path.Select(corner => (corner.X, corner.Y))];

    /// <summary>Twice the area within a ring, negative where it runs the other way round (the shoelace formula).</summary>
    private static long SignedArea(IReadOnlyList<(long X, long Y)> ring)
    {
        long area = 0;
        var before = ring[^1];
        foreach (var corner in ring)
        {
            area += (before.X * corner.Y) - (corner.X * before.Y);
            before = corner;
        }

        return area;
    }
}
