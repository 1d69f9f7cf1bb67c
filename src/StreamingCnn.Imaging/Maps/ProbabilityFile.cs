using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// The probabilities of a map of scores as a pyramid of tiles in a TIFF file, one channel for each class: floating-point numbers, or bytes
/// of 255 for 1. Of a map of one channel the logistic function.
/// </summary>
public sealed class ProbabilityFile : IMapSink, IDisposable
{
    private const double Certain = 255;

    private readonly string path;
    private readonly MapImage? place;
    private readonly MapSamples samples;
    private readonly RowSink rows;
    private PyramidWriter? writer;

    /// <summary>Creates the sink.</summary>
    /// <param name="path">The file. It appears complete or not at all.</param>
    /// <param name="samples">Type of the numbers.</param>
    /// <param name="place">What else is known of the map; its size and its samples are passed over.</param>
    public ProbabilityFile(string path, MapSamples samples = MapSamples.Byte, MapImage? place = null)
    {
        (this.path, this.samples, this.place) = (path, samples, place);
        rows = new RowSink((_, part) =>
        {
            using var scope = NewDisposeScope();
            // Channels of a position side by side.
            writer!.Write(part[0].permute(1, 2, 0).contiguous().bytes);
        });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are several images.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public void Begin(long batch, long channels, long height, long width)
    {
        if (batch != 1)
            throw new ArgumentException($"A file of probabilities is of one image, and not of {batch}.");
        writer?.Dispose();
        rows.Begin(batch, channels, height, width);
        writer = new(path, (place ?? new(height, width)) with
        {
            Height = height,
            Width = width,
            Channels = checked((int)channels),
            Samples = samples,
            Classes = null,
        });
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = NewDisposeScope();
        var probabilities = Probabilities.Of(values);
        if (samples == MapSamples.Byte)
        {
            using var certain = tensor(Certain, dtype: probabilities.dtype, device: probabilities.device);
            probabilities = (probabilities * certain).round();
        }

        rows.Write(top, left, probabilities.to(samples == MapSamples.Byte ? ScalarType.Byte : ScalarType.Float32).cpu());
    }

    /// <summary>Gives the file its name, behind the last rectangle.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Complete() => writer!.Complete();

    /// <inheritdoc/>
    public void Dispose()
    {
        rows.Dispose();
        writer?.Dispose();
    }
}
