namespace StreamingCnn.Imaging;

/// <summary>
/// Where an image lies on the ground, as a GeoTIFF says it: how positions of the raster become coordinates of a map, and of which map.
/// </summary>
public sealed record GeoReference
{
    private const int RasterTypeKey = 1025;
    private const int GeographicKey = 2048;
    private const int ProjectedKey = 3072;
    private const long PixelIsPoint = 2;
    private const int LeastEpsg = 1024;
    private const int MostEpsg = 32766;
    private const int NumbersOfATiepoint = 6;
    private const int NumbersOfAKey = 4;

    /// <summary>Width, height and depth of a pixel; empty where the file has a matrix or points alone.</summary>
    internal IReadOnlyList<double> PixelScale { get; init; } = [];

    /// <summary>Places of the raster and of the map that are the same, six numbers each.</summary>
    internal IReadOnlyList<double> Tiepoints { get; init; } = [];

    /// <summary>The matrix from the raster to the map, row by row; empty where there is none.</summary>
    internal IReadOnlyList<double> Transformation { get; init; } = [];

    /// <summary>The keys that say which map, as they are stored.</summary>
    internal IReadOnlyList<long> Keys { get; init; } = [];

    /// <summary>Numbers that keys refer to.</summary>
    internal IReadOnlyList<double> Doubles { get; init; } = [];

    /// <summary>Texts that keys refer to.</summary>
    internal string Texts { get; init; } = "";

    /// <summary>The EPSG's number of the map's coordinates; null where the file names none.</summary>
    public int? Epsg => (Key(ProjectedKey) ?? Key(GeographicKey)) is >= LeastEpsg and <= MostEpsg and var number ? (int)number : null;

    /// <summary>
    /// Whether <see cref="ToMap"/> is known: not where the file has nothing but points on the ground, between which anything may be.
    /// </summary>
    public bool IsAffine => Matrix is not null;

    // A position that is a point lies in the middle of what is a pixel here.
    private double Middle => Key(RasterTypeKey) == PixelIsPoint ? 0.5 : 0;

    /// <summary>Of the raster's column and row, with 1: x and y of the map.</summary>
    private double[]? Matrix => Transformation switch
    {
        [var a, var b, _, var c, var d, var e, _, var f, ..] => [a, b, c, d, e, f],
        _ => (PixelScale, Tiepoints) is ([> 0 and var width, > 0 and var height, ..], [var column, var row, _, var x, var y, _])
            ? [width, 0, x - (column * width), 0, -height, y + (row * height)]
            : null,
    };

    /// <summary>What a directory of a TIFF file says; null where it says nothing.</summary>
    internal static GeoReference? Of(TiffDirectory directory)
    {
        var found = new GeoReference
        {
            PixelScale = directory.PixelScale,
            Tiepoints = directory.Tiepoints,
            Transformation = directory.Transformation,
            Keys = directory.GeoKeys,
            Doubles = directory.GeoDoubles,
            Texts = directory.GeoTexts,
        };
        // An image that is shown turned lies otherwise than these numbers say.
        return directory.Orientation == 1 && (found.IsAffine || found.Tiepoints.Count >= NumbersOfATiepoint) ? found : null;
    }

    /// <summary>The same place of the ground for a part of the image, of another resolution.</summary>
    /// <param name="left">Columns of the image before the part.</param>
    /// <param name="top">Rows of the image above it.</param>
    /// <param name="across">Columns of the image for one of the part.</param>
    /// <param name="down">Rows of the image for one of the part.</param>
    public GeoReference For(double left, double top, double across, double down)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(across);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(down);
        // Of corners of pixels x = left + across x'; points lie half a pixel further, of either size.
        var (startX, startY) = (left + (Middle * (across - 1)), top + (Middle * (down - 1)));
        return this with
        {
            PixelScale = PixelScale is [var width, var height, ..] ? [width * across, height * down, .. PixelScale.Skip(2)] : [],
            Tiepoints = [.. Tiepoints.Select((number, i) => (i % NumbersOfATiepoint) switch
            {
                0 => (number - startX) / across,
                1 => (number - startY) / down,
                _ => number,
            })],
            Transformation = Transformation.Count == 0 ? [] : [.. Enumerable.Range(0, Transformation.Count / 4).SelectMany(Row)],
        };

        double[] Row(int row)
        {
            var (a, b) = (Transformation[row * 4], Transformation[(row * 4) + 1]);
            return [a * across, b * down, Transformation[(row * 4) + 2], Transformation[(row * 4) + 3] + (a * startX) + (b * startY)];
        }
    }

    /// <summary>Coordinates of the map.</summary>
    /// <param name="x">Pixels from the image's left edge.</param>
    /// <param name="y">Pixels from its upper edge.</param>
    /// <exception cref="InvalidOperationException"><see cref="IsAffine"/> is false.</exception>
    public (double X, double Y) ToMap(double x, double y)
    {
        var matrix = Matrix
            ?? throw new InvalidOperationException("The image's place on the ground is known of some points alone, not of every pixel.");
        (x, y) = (x - Middle, y - Middle);
        return ((matrix[0] * x) + (matrix[1] * y) + matrix[2], (matrix[3] * x) + (matrix[4] * y) + matrix[5]);
    }

    /// <summary>The position in the image of coordinates of the map: <see cref="ToMap"/> backwards.</summary>
    /// <param name="x">The map's first coordinate.</param>
    /// <param name="y">Its second.</param>
    /// <returns>Pixels from the image's left and upper edges; not finite where the matrix makes a line of the image.</returns>
    /// <exception cref="InvalidOperationException"><see cref="IsAffine"/> is false.</exception>
    public (double X, double Y) ToPixel(double x, double y)
    {
        var (originX, originY) = ToMap(0, 0);
        var matrix = Matrix!;
        var determinant = (matrix[0] * matrix[4]) - (matrix[1] * matrix[3]);
        (x, y) = (x - originX, y - originY);
        return (((matrix[4] * x) - (matrix[1] * y)) / determinant, ((matrix[0] * y) - (matrix[3] * x)) / determinant);
    }

    /// <summary>A key that is a whole number itself; null where it is not there.</summary>
    private long? Key(int wanted)
    {
        for (var at = NumbersOfAKey; at + NumbersOfAKey <= Keys.Count; at += NumbersOfAKey)
        {
            if (Keys[at] == wanted && Keys[at + 1] == 0)
                return Keys[at + 3];
        }

        return null;
    }
}
