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
    private readonly IReadOnlyList<DrawnObject>? boxes;

    private DrawnMask(string path, ImageInfo image, IReadOnlyList<Shape> drawn, double? core)
    {
        (this.path, height, width) = (path, image.Height, image.Width);
        Objects = [.. drawn.Select(shape => shape.Around(height, width))];
        boxes = core is null ? null : Objects;
        shapes = core is { } share ? [.. drawn.Select(shape => shape.Core(share))] : drawn;
        Classes = [.. shapes.Select(shape => shape.Class).Where(name => name != IgnoredName).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Names of the classes that shapes have, in alphabetical order, without <see cref="IgnoredName"/>.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>The shapes as boxes around them, in pixels of the image, in the order of the file, with <see cref="IgnoredName"/>.</summary>
    public IReadOnlyList<DrawnObject> Objects { get; }

    /// <summary>Whether a file is a drawn mask, by its name: <c>.geojson</c>, <c>.json</c> or <c>.csv</c>.</summary>
    public static bool IsDrawn(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return ShapeFileName.HasShapes(path);
    }

    /// <summary>Reads the shapes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="image">The image that they lie on.</param>
    /// <param name="boxCore">
    /// The middle share of each side of a box that is of its class, above 0 and at most 1, so that boxes that touch stay apart; what is
    /// left is of no shape, and a pixel of several boxes belongs to the one whose centre is nearest, in units of its sides. Null for whole
    /// boxes, of which those of different classes may not lie on one another. Polygons are taken as they are.
    /// </param>
    /// <exception cref="ImageFormatException">The file cannot be read, or holds what has no class, no area or no place on it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The share is not above 0 and at most 1.</exception>
    public static DrawnMask Read(string path, ImageInfo image, double? boxCore = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(image);
        if (!File.Exists(path))
            throw new ImageFormatException(path, "there is no such file; check the path.");
        if (boxCore is { } share)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(share, nameof(boxCore));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1, nameof(boxCore));
        }

        return ShapeFileName.HasPolygons(path)
            ? new(path, image, GeoJsonShapes.Read(path, image), null)
            : new(path, image, BoxTable.Read(path, image), boxCore);
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
    /// <param name="classes">Names of the classes, in the order of their numbers.</param>
    /// <param name="ignoresUnlabelled">
    /// Whether what no shape covers does not count, as where some parts of an image were annotated; else it is of the first class.
    /// </param>
    /// <returns>Windows [1, 1, h, w] of int16 with numbers of classes, and <see cref="MaskValues.Ignored"/>.</returns>
    /// <exception cref="ImageFormatException">A shape is of another class; or, when it is read, of two.</exception>
    public IImageSource Open(IReadOnlyList<string> classes, bool ignoresUnlabelled = false)
    {
        ArgumentNullException.ThrowIfNull(classes);
        return Open(classes, ignoresUnlabelled ? MaskValues.Ignored : (short)0);
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
            path,
            new ShapeIndex(shapes, height),
            [.. shapes.Select(shape => numbers[shape.Class])],
            classes,
            outside,
            height,
            width,
            boxes);
    }
}
