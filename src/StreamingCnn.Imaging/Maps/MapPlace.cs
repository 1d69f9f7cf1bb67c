namespace StreamingCnn.Imaging.Maps;

/// <summary>Where a map lies in the image file that it is of: at another resolution, and of a part of the image.</summary>
/// <param name="Left">Columns of the file's image before it.</param>
/// <param name="Top">Rows of the file's image above it.</param>
/// <param name="Across">Columns of the file's image for each of the map.</param>
/// <param name="Down">Rows of the file's image for each of the map.</param>
public sealed record MapPlace(double Left = 0, double Top = 0, double Across = 1, double Down = 1)
{
    /// <summary>Width of a pixel of the file in micrometres; null when it is not known.</summary>
    public double? MicrometresAcross { get; init; }

    /// <summary>Height of a pixel of the file in micrometres; null for <see cref="MicrometresAcross"/>.</summary>
    public double? MicrometresDown { get; init; }

    /// <summary>Where the file's image lies on the ground; null where nobody knows.</summary>
    public GeoReference? GeoReference { get; init; }

    /// <summary>Square micrometres of a position of the map; null when that is not known.</summary>
    public double? SquareMicrometres => MicrometresAcross * Across * (MicrometresDown ?? MicrometresAcross) * Down;

    /// <summary>Whether the image's map is a mirror image of the file's, as those are whose y points up.</summary>
    internal bool Turns
    {
        get
        {
            var ((x, y), (right, up), (down, below)) = (GeoReference!.ToMap(0, 0), GeoReference.ToMap(1, 0), GeoReference.ToMap(0, 1));
            return ((right - x) * (below - y)) - ((up - y) * (down - x)) < 0;
        }
    }

    /// <summary>The place of a map of a whole image file, of another size.</summary>
    /// <param name="info">The file's header.</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="part">The part of the image that the map is of, in pixels of the map; null for the whole image.</param>
    /// <param name="across">Columns of the file's image for each of the map; null where the map is of the whole image.</param>
    /// <param name="down">Rows of the file's image for each of the map.</param>
    public static MapPlace Of(ImageInfo info, long height, long width, ImageRegion? part = null, double? across = null, double? down = null)
    {
        ArgumentNullException.ThrowIfNull(info);
        var (scaleX, scaleY) = (across ?? (double)info.Width / width, down ?? (double)info.Height / height);
        return new((part?.Left ?? 0) * scaleX, (part?.Top ?? 0) * scaleY, scaleX, scaleY)
        {
            MicrometresAcross = info.MicrometresPerPixel,
            MicrometresDown = info.MicrometresPerPixelDown,
            GeoReference = info.GeoReference,
        };
    }

    /// <summary>A point of the map in pixels of the file.</summary>
    public (double X, double Y) InFile(double x, double y) => (Left + (x * Across), Top + (y * Down));

    /// <summary>What a file of the map says of it.</summary>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    public MapImage Image(long height, long width) => new(height, width)
    {
        MicrometresAcross = MicrometresAcross * Across,
        MicrometresDown = MicrometresDown * Down ?? MicrometresAcross * Down,
        GeoReference = GeoReference?.For(Left, Top, Across, Down),
    };
}
