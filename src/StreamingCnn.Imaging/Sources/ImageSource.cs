namespace StreamingCnn.Imaging;

/// <summary>Opens image files as sources of windows.</summary>
public static class ImageSource
{
    /// <summary>Opens an image file by its content, whatever its extension.</summary>
    /// <param name="path">
    /// TIFF (tiled, stripped, pyramidal, BigTIFF, OME), JPEG, PNG, WebP, HEIF, NumPy <c>.npy</c>; JPEG 2000 where GDAL is
    /// installed; or a slide that OpenSlide reads when it is installed.
    /// </param>
    /// <param name="options">Channels, resolution, crop; null for the image as it is.</param>
    /// <returns>
    /// A source whose windows are uint8 for images of 8 bits or fewer; float32 on the scale 0..255 for 16-bit ones
    /// (see <see cref="ImageOptions.RawValues"/>); float32 as stored for all others.
    /// </returns>
    /// <remarks>
    /// Tiled TIFFs and slides are read window by window and hold about two rows of tiles in memory. Formats that can only be decoded from
    /// the top (JPEG, PNG, WebP, most stripped TIFFs) are decoded once, when they are opened: up to 100 MB of pixels into memory, larger
    /// ones into a temporary file that the system may write back to disk. A truncated or corrupt file of those is found here; damage inside
    /// a tiled file when its tile is read.
    /// </remarks>
    /// <exception cref="ImageFormatException">The file cannot be read so; the message is one sentence.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static IImageSource Open(string path, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options ??= new ImageOptions();
        options.Validate();
        return Open(ImageContainer.Find(path, options), options);
    }

    /// <summary>
    /// Opens several images of one size as one, such as a board and its template: the channels of each follow those of the one before,
    /// window by window.
    /// </summary>
    /// <param name="paths">The files, at least one.</param>
    /// <param name="options">
    /// How the file at a place is read. Which resolution is read is decided by the first file and its options; the others are taken to
    /// show the same, whatever resolution they state.
    /// </param>
    /// <param name="change">
    /// What becomes of each image before it is joined, by its place, 0 for the first; null for nothing. It owns the source.
    /// </param>
    /// <returns>
    /// A source whose windows have the channels of all; float32 where one of the files has such windows, on the scale that each has alone.
    /// </returns>
    /// <exception cref="ImageFormatException">A file cannot be read so, or is of another size than the first.</exception>
    /// <exception cref="ArgumentException">There is no file, or the options contradict each other.</exception>
    public static IImageSource OpenSideBySide(
        IReadOnlyList<string> paths, Func<int, ImageOptions> options, Func<IImageSource, int, IImageSource>? change = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentNullException.ThrowIfNull(options);
        if (paths.Count == 0)
            throw new ArgumentException("No file was named to be opened; name at least one.", nameof(paths));
        var parts = new List<IImageSource>();
        try
        {
            ImageInfo? first = null;
            LevelChoice view = default;
            foreach (var (place, path) in paths.Index())
            {
                var own = options(place);
                own.Validate();
                var container = ImageContainer.Find(path, own);
                if (first is null)
                    view = LevelChoice.For(first = container.Info, own);
                CheckSize(first, container.Info);
                var source = Open(container, place == 0 ? view : LevelChoice.OfSize(container.Info, view), own);
                parts.Add(source);
                if (change is not null)
                    parts[^1] = change(source, place);
            }

            return parts.Count == 1 ? parts[0] : new JoinedSource(parts);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>Refuses an image that cannot lie pixel by pixel on another.</summary>
    /// <param name="first">The image that it is to lie on.</param>
    /// <param name="further">The image.</param>
    /// <exception cref="ImageFormatException">It is of another size.</exception>
    public static void CheckSize(ImageInfo first, ImageInfo further)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(further);
        if (first.Height == further.Height && first.Width == further.Width)
            return;
        throw new ImageFormatException(
            further.Path,
            $"this image has {further.Height} x {further.Width} pixels (height x width), but '{first.Path}', which it is read side by side with, has {first.Height} x {first.Width}; give images of one size.");
    }

    /// <summary>
    /// Channels of an image file as it would be opened, from its header alone: no pixel is decoded, and damage behind the header is not
    /// found.
    /// </summary>
    /// <param name="path">As for <see cref="Open(string, ImageOptions?)"/>.</param>
    /// <param name="options">As for <see cref="Open(string, ImageOptions?)"/>.</param>
    /// <exception cref="ImageFormatException">The header cannot be read so; the message is one sentence.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static int Channels(string path, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options ??= new ImageOptions();
        options.Validate();
        return ImageContainer.Find(path, options).Channels(options);
    }

    /// <summary>Opens a file of bare samples; it cannot say itself what it holds.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layout">How the samples lie in it.</param>
    /// <param name="options">Resolution, crop, value range; null for the image as it is.</param>
    /// <returns>A source whose windows are of the types that <see cref="Open(string, ImageOptions?)"/> gives.</returns>
    /// <exception cref="ImageFormatException">The file is missing or shorter than the layout.</exception>
    public static IImageSource OpenRaw(string path, RawLayout layout, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(layout);
        options ??= new ImageOptions();
        options.Validate();
        if (!File.Exists(path))
            throw new ImageFormatException(path, "there is no such file; check the path.");
        return Open(new ArrayContainer(path, layout, "raw"), options);
    }

    /// <summary>Height and width in pixels of a file as it would be opened, but for its crop.</summary>
    /// <exception cref="ImageFormatException">The file has no such level or does not state its resolution.</exception>
    public static (long Height, long Width) Size(ImageInfo info, ImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(info);
        ArgumentNullException.ThrowIfNull(options);
        var view = LevelChoice.For(info, options);
        return (view.Height, view.Width);
    }

    /// <summary>Opens a file whose header has been read.</summary>
    internal static IImageSource Open(ImageContainer container, ImageOptions options) =>
        Open(container, LevelChoice.For(container.Info, options), options);

    private static IImageSource Open(ImageContainer container, LevelChoice view, ImageOptions options)
    {
        var source = container.OpenLevel(view.Level, options);
        try
        {
            var missing = options.NoData == NoDataHandling.Fill ? options.NoDataValue ?? container.Info.NoData : null;
            if (missing is { } value)
                source = new MissingPixelsSource(source, MissingPixels.Of(value, container.Info, options));
            if (source.Height != view.Height || source.Width != view.Width)
                source = new ResampledSource(source, view.Height, view.Width, missing is not null);
            if (missing is not null && !options.NoDataFill.All(float.IsNaN))
                source = new FilledSource(source, options.NoDataFill);
            if (options.Crop is { } crop)
                source = new CroppedSource(source, crop);
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }
}
