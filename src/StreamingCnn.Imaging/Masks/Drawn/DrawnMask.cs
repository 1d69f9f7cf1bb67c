namespace StreamingCnn.Imaging.Masks.Drawn;

/// <summary>
/// A mask that is drawn over its image: polygons with names of classes in GeoJSON (RFC 7946), as QuPath and GIS programs export them, or
/// boxes in a table. A pixel is of the class whose polygon its centre lies in.
/// </summary>
public sealed class DrawnMask
{
    /// <summary>The class of what does not count, as QuPath calls it; it lies above all others.</summary>
    public const string IgnoredName = "Ignore*";

    private const long Side = 2048;

    private readonly string path;
    private readonly long height;
    private readonly long width;
    private readonly IReadOnlyList<Shape> shapes;

    private DrawnMask(string path, ImageInfo image, IReadOnlyList<Shape> shapes)
    {
        (this.path, height, width, this.shapes) = (path, image.Height, image.Width, shapes);
        Classes = [.. shapes.Select(shape => shape.Class).Where(name => name != IgnoredName).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Names of the classes that shapes have, in alphabetical order, without <see cref="IgnoredName"/>.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Whether a file is a drawn mask, by its name: <c>.geojson</c>, <c>.json</c> or <c>.csv</c>.</summary>
    public static bool IsDrawn(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return ShapeFileName.HasShapes(path);
    }

    /// <summary>Reads the shapes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="image">The image that they lie on.</param>
    /// <exception cref="ImageFormatException">The file cannot be read, or holds what has no class, no area or no place on it.</exception>
    public static DrawnMask Read(string path, ImageInfo image)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(image);
        if (!File.Exists(path))
            throw new ImageFormatException(path, "there is no such file; check the path.");
        return new(path, image, ShapeFileName.HasPolygons(path) ? GeoJsonShapes.Read(path, image) : BoxTable.Read(path, image));
    }

    /// <summary>How many pixels each class has.</summary>
    /// <returns>Pixels by the class's name; of no shape, and of <see cref="IgnoredName"/>.</returns>
    /// <exception cref="ImageFormatException">Shapes of different classes lie on one another.</exception>
    public (IReadOnlyDictionary<string, long> Classes, long Outside, long Ignored) Count()
    {
        using var source = Open([.. Classes], ShapeSource.Outside);
        var (counts, outside, ignored) = (new long[Classes.Count], 0L, 0L);
        for (long top = 0; top < height; top += Side)
        {
            for (long left = 0; left < width; left += Side)
            {
                foreach (var number in source.Draw(top, left, Math.Min(Side, height - top), Math.Min(Side, width - left)))
                {
                    if (number >= 0)
                        counts[number]++;
                    else if (number == MaskValues.Ignored)
                        ignored++;
                    else
                        outside++;
                }
            }
        }

        return (Classes.Zip(counts).ToDictionary(StringComparer.Ordinal), outside, ignored);
    }

    /// <summary>Opens the mask as a map of classes.</summary>
    /// <param name="classes">Names of the classes, in the order of their numbers. The first has what no shape covers.</param>
    /// <returns>Windows [1, 1, h, w] of int16 with numbers of classes, and <see cref="MaskValues.Ignored"/>.</returns>
    /// <exception cref="ImageFormatException">A shape is of another class; or, when it is read, of two.</exception>
    public IImageSource Open(IReadOnlyList<string> classes)
    {
        ArgumentNullException.ThrowIfNull(classes);
        return Open(classes, outside: 0);
    }

    private ShapeSource Open(IReadOnlyList<string> classes, short outside)
    {
        var numbers = classes.Index().ToDictionary(one => one.Item, one => (short)one.Index, StringComparer.Ordinal);
        numbers[IgnoredName] = MaskValues.Ignored;
        if (shapes.FirstOrDefault(shape => !numbers.ContainsKey(shape.Class)) is { } unknown)
        {
            throw new ImageFormatException(
                path,
                $"{unknown.Place} is of the class '{unknown.Class}', which is none of the classes {string.Join(", ", classes)}.");
        }

        return new(
            path, new ShapeIndex(shapes, height), [.. shapes.Select(shape => numbers[shape.Class])], classes, outside, height, width);
    }
}
