namespace StreamingCnn.Imaging;

/// <summary>Opens image files as sources of windows.</summary>
public static class ImageSource
{
    /// <summary>Opens an image file by its content, whatever its extension.</summary>
    /// <param name="path">
    /// TIFF (tiled, stripped, pyramidal, BigTIFF, OME), JPEG, PNG, WebP, HEIF, NumPy <c>.npy</c>, or a slide that OpenSlide reads when it is installed.
    /// </param>
    /// <param name="options">Channels, resolution, crop; null for the image as it is.</param>
    /// <returns>
    /// A source whose windows are uint8 for images of 8 bits or fewer; float32 on the scale 0..255 for 16-bit ones
    /// (see <see cref="ImageOptions.RawValues"/>); float32 as stored for all others.
    /// </returns>
    /// <remarks>
    /// Tiled TIFFs and slides are read window by window and hold about two rows of tiles in memory. Formats that can only be decoded from the top
    /// (JPEG, PNG, WebP, stripped TIFF) are decoded once, when they are opened: up to 100 MB of pixels into memory, larger ones into a temporary file that the
    /// system may write back to disk. A truncated or corrupt file of those is found here; damage inside a tiled file when its tile is read.
    /// </remarks>
    /// <exception cref="ImageFormatException">The file cannot be read so; the message is one sentence.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static IImageSource Open(string path, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options ??= new ImageOptions();
        options.Validate();
        var container = ImageContainer.Find(path, options.Page);
        var view = LevelChoice.For(container.Info, options);
        var source = container.OpenLevel(view.Level, options);
        try
        {
            if (source.Height != view.Height || source.Width != view.Width)
                source = new ResampledSource(source, view.Height, view.Width);
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
