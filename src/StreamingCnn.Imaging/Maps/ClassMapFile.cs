namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// A map of classes as a pyramid of tiles in a TIFF file, of 8 bits with a table of colours. Smaller levels hold every second position of
/// the one before, never a mean of classes.
/// </summary>
/// <param name="path">The file. It appears complete or not at all.</param>
/// <param name="classes">The classes.</param>
/// <param name="place">What else is known of the map; its size and its samples are passed over.</param>
public sealed class ClassMapFile(string path, IReadOnlyList<MapClass> classes, MapImage? place = null) : IClassRows, IDisposable
{
    private PyramidWriter? writer;

    /// <inheritdoc/>
    public void Begin(long height, long width)
    {
        writer?.Dispose();
        writer = new(path, (place ?? new(height, width)) with
        {
            Height = height,
            Width = width,
            Channels = 1,
            Samples = MapSamples.Byte,
            Classes = classes,
            Description = $"Classes: {string.Join(", ", classes.Select((known, number) => $"{number} {known.Name}"))}",
        });
    }

    /// <inheritdoc/>
    public void Write(long row, ReadOnlySpan<byte> classes) => writer!.Write(classes);

    /// <inheritdoc/>
    public void Complete() => writer!.Complete();

    /// <inheritdoc/>
    public void Dispose() => writer?.Dispose();
}
