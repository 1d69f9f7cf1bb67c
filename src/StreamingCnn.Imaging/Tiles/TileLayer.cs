using StreamingCnn.Imaging.Maps;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>
/// An image, or a map that lies on it, as tiles for a viewer, cut when they are asked for: what is held does not grow with the image.
/// Several threads may ask at once; they are answered one after the other.
/// </summary>
public abstract class TileLayer : IDisposable
{
    private readonly Lock turn = new();

    private protected TileLayer(TileGrid grid, int scale, FileLevels file) => (Grid, Scale, File) = (grid, scale, file);

    /// <summary>The tiles.</summary>
    public TileGrid Grid { get; }

    /// <summary>
    /// Pixels of the image for one of the layer's largest level, on either side: 1 for the image itself, a power of two for maps that have
    /// fewer positions than their image.
    /// </summary>
    public int Scale { get; }

    /// <summary>Ending of a tile's file: <c>jpg</c>, or <c>png</c> for what the image shows through.</summary>
    public abstract string Ending { get; }

    /// <summary>
    /// Which bands are shown and how their values were stretched, as <see cref="Export.SmallPicture.Remark"/> says it; empty where there
    /// is nothing to say.
    /// </summary>
    public virtual string Remark => "";

    /// <summary>The value of a heatmap's hottest colour; null for other layers.</summary>
    public virtual double? Limit => null;

    /// <summary>Classes that have a colour, in the order of their numbers; empty for other layers.</summary>
    public virtual IReadOnlyList<MapClass> Classes => [];

    /// <summary>
    /// How much has been read of a file without smaller levels, which the first look at all of it reads through, 0 to 1; 1 for others.
    /// </summary>
    public abstract double Share { get; }

    private protected FileLevels File { get; }

    /// <summary>An image as people see it: colours and grey of 8 bits as they are, others as <see cref="Export.Thumbnail"/> shows them.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Bands, page, alpha and so on; resolution and crop are passed over. Null for the defaults.</param>
    /// <exception cref="ImageFormatException">The file cannot be read.</exception>
    public static TileLayer OfImage(string path, ImageOptions? options = null)
    {
        options = (options ?? new ImageOptions()) with { Channels = null, NoDataFill = [float.NaN] };
        options.Validate();
        return new PictureLayer(new(ImageContainer.Find(path, options), options));
    }

    /// <summary>A heatmap over an image.</summary>
    /// <param name="path">The file; NaN means that there is nothing.</param>
    /// <param name="image">The header of the image that it lies on.</param>
    /// <param name="colours">
    /// Red, green, blue and opacity of equal steps from 0 to the limit, one after the other; what is 0 or less is transparent.
    /// </param>
    /// <param name="band">Its band, from 1; null where it has but one.</param>
    /// <param name="limit">The value of the last colour; null for the largest of the map, or 1 of a map of probabilities.</param>
    /// <exception cref="ImageFormatException">The file cannot be read, is no heatmap, or has another shape than the image.</exception>
    public static TileLayer OfHeat(string path, ImageInfo image, byte[] colours, int? band = null, double? limit = null) =>
        HeatLayer.Open(path, image, colours, band, limit);

    /// <summary>
    /// A map of classes over an image: with a table of colours, or with numbers, which get colours. What is 0 is transparent.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="image">The header of the image that it lies on.</param>
    /// <exception cref="ImageFormatException">The file cannot be read, is no map of classes, or has another shape than the image.</exception>
    public static TileLayer OfClasses(string path, ImageInfo image) => ClassLayer.Open(path, image);

    /// <summary>Cuts a tile.</summary>
    /// <param name="place">Which.</param>
    /// <param name="cancellation">Ends it, where many reads are needed.</param>
    /// <returns>The bytes of a file of the layer's <see cref="Ending"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tile.</exception>
    /// <exception cref="ImageFormatException">The file cannot be read there.</exception>
    public byte[] Encode(TilePlace place, CancellationToken cancellation = default)
    {
        if (!Grid.Contains(place))
            throw new ArgumentOutOfRangeException(nameof(place));
        lock (turn)
            return EncodeOne(place, cancellation);
    }

    /// <summary>Cuts every tile once. A file without smaller levels is read once; a few tiles are held.</summary>
    /// <param name="write">Gets the bytes of each.</param>
    /// <param name="cancellation">Ends it between two tiles.</param>
    /// <exception cref="ImageFormatException">The file cannot be read.</exception>
    public void EncodeAll(Action<TilePlace, byte[]> write, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(write);
        lock (turn)
            EncodeEach(write, cancellation);
    }

    /// <summary>Closes the file, when nobody reads from it.</summary>
    public void Dispose()
    {
        lock (turn)
            File.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract byte[] EncodeOne(TilePlace place, CancellationToken cancellation);

    private protected abstract void EncodeEach(Action<TilePlace, byte[]> write, CancellationToken cancellation);

    /// <summary>The tiles of a map, and how many pixels of its image one of theirs is.</summary>
    /// <exception cref="ImageFormatException">The map has another shape.</exception>
    private protected static (TileGrid Grid, int Scale) Over(ImageInfo map, ImageInfo image)
    {
        // A map that a network gives may lack a part of a position at either side.
        var (down, across) = ((double)image.Height / map.Height, (double)image.Width / map.Width);
        if (Math.Abs(map.Height - (image.Height / across)) > 1 && Math.Abs(map.Width - (image.Width / down)) > 1)
        {
            throw new ImageFormatException(
                map.Path,
                $"it has {map.Height} x {map.Width} pixels, which is another shape than the {image.Height} x {image.Width} (height x width) of the image '{image.Path}'; give a map of the whole of that image.");
        }

        var scale = LevelMatch.Scale(map, (image.Height, image.Width));
        return (new((image.Height + scale - 1) / scale, (image.Width + scale - 1) / scale), scale);
    }
}
