using StreamingCnn.Imaging.Maps;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Imaging.Masks.Drawn;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>An area that is drawn over an image: what an odd number of its rings surrounds.</summary>
/// <param name="Class">Its class.</param>
/// <param name="Name">What it is called itself; empty where the file does not say.</param>
/// <param name="Rings">
/// Corners of each ring in pixels of the image at full resolution, x to the right and y down from its upper left corner; the last is joined
/// with the first.
/// </param>
public sealed record DrawnRegion(MapClass Class, string Name, IReadOnlyList<(double X, double Y)[]> Rings)
{
    /// <summary>The class of what the file gives none.</summary>
    public const string Unnamed = "no class";

    /// <summary>Reads the areas of a file, with the colours that it gives their classes, or others.</summary>
    /// <param name="path">GeoJSON, such as QuPath writes and <see cref="PolygonFile"/>, or a table of boxes.</param>
    /// <param name="image">The header of the image that they lie on.</param>
    /// <exception cref="ImageFormatException">The file cannot be read, or holds what has no area or no place on the image.</exception>
    public static IReadOnlyList<DrawnRegion> Read(string path, ImageInfo image)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(image);
        if (!File.Exists(path))
            throw new ImageFormatException(path, "there is no such file; check the path.");
        if (!DrawnMask.IsDrawn(path))
            throw new ImageFormatException(path, "polygons are read from .geojson and .json, and boxes from .csv; give such a file.");
        var shapes = ShapeFileName.HasPolygons(path)
            ? GeoJsonShapes.Read(path, image, Unnamed)
            : BoxTable.Read(path, image);
        // The first colour is the background's, which nobody draws.
        string[] names = [.. shapes.Select(shape => shape.Class).Distinct()];
        var given = shapes.Where(shape => shape.Colour is not null).DistinctBy(shape => shape.Class)
            .ToDictionary(shape => shape.Class, shape => shape.Colour!.Value);
        var classes = MapClass.Of(["", .. names.Take(MapClass.Most - 1)]).Skip(1).ToDictionary(known => known.Name);
        return [.. shapes.Select(shape => new DrawnRegion(Of(shape.Class), shape.Name, shape.Rings))];

        MapClass Of(string name) => given.TryGetValue(name, out var own)
            ? new(name, own.Red, own.Green, own.Blue)
            : classes.GetValueOrDefault(name) ?? new(name, 128, 128, 128);
    }
}
