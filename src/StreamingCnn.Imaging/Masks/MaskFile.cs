namespace StreamingCnn.Imaging.Masks;

/// <summary>Opens files of masks, whose values are numbers of classes: as they are stored, at full size, from the largest level.</summary>
public static class MaskFile
{
    private static readonly ImageOptions Options = new()
    {
        RawValues = true,
        Alpha = AlphaHandling.Keep,
        NoData = NoDataHandling.Keep,
        ApplyColourProfile = false,
    };

    /// <summary>Height and width of a mask, from its header alone.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ImageFormatException">The file cannot be read, or is no mask.</exception>
    public static (long Height, long Width) Size(string path)
    {
        var info = Find(path).Info;
        return (info.Height, info.Width);
    }

    /// <summary>Opens a mask.</summary>
    /// <param name="path">A file of any format that images may have, with one channel.</param>
    /// <returns>A source of one channel; samples have their stored values.</returns>
    /// <exception cref="ImageFormatException">
    /// The file cannot be read, or is no mask: it has colours, or was compressed with loss.
    /// </exception>
    public static IImageSource Open(string path)
    {
        var container = Find(path);
        var source = container.OpenLevel(0, Options);
        if (source.Channels != 1)
        {
            var channels = source.Channels;
            source.Dispose();
            throw OfColours(path, channels);
        }

        return StoredValuesSource.Of(source, container.Info);
    }

    private static ImageContainer Find(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var container = ImageContainer.Find(path, Options);
        var info = container.Info;
        if (info.HasColourTable)
        {
            throw new ImageFormatException(
                path,
                "this mask has a table of colours, which would be read instead of its values; save the values as one grey channel.");
        }

        if (info.Bands != 1)
            throw OfColours(path, info.Bands);
        return info.Format switch
        {
            "JPEG" => throw new ImageFormatException(
                path, "this mask is a JPEG, whose compression changes values; save it without loss, as PNG or TIFF."),
            GdalContainer.WithLoss => throw new ImageFormatException(
                path, "this mask is a JPEG 2000 that was compressed with loss, which changes values; save it without loss, as PNG or TIFF."),
            _ => container,
        };
    }

    private static ImageFormatException OfColours(string path, int channels) => new(
        path, $"this mask has {channels} channels, but one is needed, with the number of a class at each pixel; save it as one channel.");
}
