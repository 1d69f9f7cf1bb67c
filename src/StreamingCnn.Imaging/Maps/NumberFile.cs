using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>A map of numbers as a pyramid of tiles of float32 in a TIFF file, one channel for each number.</summary>
public sealed class NumberFile : IMapSink, IDisposable
{
    private readonly ChannelFile file;

    /// <summary>Creates the sink.</summary>
    /// <param name="path">The file. It appears complete or not at all.</param>
    /// <param name="place">What else is known of the map; its size and its samples are passed over.</param>
    /// <param name="missing">Where the image has no data, and the map NaN. Stays the caller's; null for nowhere.</param>
    public NumberFile(string path, MapImage? place = null, NoDataMask? missing = null) => file = new(
        path,
        MapSamples.Float32,
        numbers => numbers,
        place,
        channels => place?.ChannelNames is { } names && names.Count == channels ? names : [],
        missing);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are several images.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public void Begin(long batch, long channels, long height, long width) => file.Begin(batch, channels, height, width);

    /// <inheritdoc/>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(long top, long left, Tensor values) => file.Write(top, left, values);

    /// <summary>Gives the file its name, behind the last rectangle.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Complete() => file.Complete();

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
