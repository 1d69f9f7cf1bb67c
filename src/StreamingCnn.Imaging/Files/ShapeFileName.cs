namespace StreamingCnn.Imaging;

/// <summary>Which files hold shapes that are drawn over an image, rather than pixels; their names tell.</summary>
internal static class ShapeFileName
{
    private static readonly string[] OfPolygons = [".geojson", ".json"];

    /// <summary>Whether it is GeoJSON.</summary>
    public static bool HasPolygons(string path) => OfPolygons.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether it is GeoJSON, or a table of boxes.</summary>
    public static bool HasShapes(string path) =>
        HasPolygons(path) || Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase);
}
