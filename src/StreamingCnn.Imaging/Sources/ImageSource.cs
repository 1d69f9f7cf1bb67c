namespace StreamingCnn.Imaging;

/// <summary>Opens image files as sources of windows.</summary>
public static class ImageSource
{
    /// <summary>Opens an image file by its content, whatever its extension.</summary>
    /// <param name="path">
    /// TIFF (tiled, stripped, pyramidal, BigTIFF, OME), JPEG, PNG, WebP, HEIF, NumPy <c>.npy</c>, or a slide that OpenSlide reads when it
    /// is installed.
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
    internal static IImageSource Open(ImageContainer container, ImageOptions options)
    {
        var view = LevelChoice.For(container.Info, options);
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
