namespace StreamingCnn.Imaging.Masks;

/// <summary>
/// Opens files of maps of numbers, such as depth, height or density: as they are stored, at full size, from the largest level, with NaN
/// where a number is missing.
/// </summary>
public static class NumberMapFile
{
    private static readonly ImageOptions Options = new()
    {
        RawValues = true,
        Alpha = AlphaHandling.Keep,
        NoData = NoDataHandling.Keep,
        ApplyColourProfile = false,
    };

    /// <summary>What a file's header says of it.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ImageFormatException">The file cannot be read, or is no map of numbers.</exception>
    public static ImageInfo Info(string path) => Find(path).Info;

    /// <summary>Opens a map.</summary>
    /// <param name="path">A file of any format that images may have, with a channel for each number.</param>
    /// <param name="missing">
    /// Values that mean that there is no number, besides NaN and the one that the file declares itself (GDAL's tag of a TIFF); null for
    /// none.
    /// </param>
    /// <returns>A source of float32.</returns>
    /// <exception cref="ImageFormatException">
    /// The file cannot be read, or is no map of numbers: it has a table of colours, or was compressed with loss.
    /// </exception>
    public static IImageSource Open(string path, IReadOnlyList<long>? missing = null)
    {
        var container = Find(path);
        var info = container.Info;
        var stored = StoredValuesSource.Of(container.OpenLevel(0, Options), info);
        double[] values = info.NoData is { } declared ? [declared, .. missing ?? []] : [.. missing ?? []];
        return new MissingNumbersSource(stored, [.. values.Select(value => MissingPixels.OfNumbers(value, info))]);
    }

    private static ImageContainer Find(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (ShapeFileName.HasShapes(path))
            throw new ImageFormatException(path, "a map of numbers has one at each pixel, and shapes have none; give an image file, such as a TIFF of floating-point numbers.");
        var container = ImageContainer.Find(path, Options);
        if (container.Info.HasColourTable)
        {
            throw new ImageFormatException(
                path, "this map has a table of colours, which would be read instead of its numbers; save the numbers themselves.");
        }

        return container.Info.Format == "JPEG"
            ? throw new ImageFormatException(
                path, "this map is a JPEG, whose compression changes numbers; save it without loss, as TIFF or PNG.")
            : container;
    }
}
