using System.Runtime.InteropServices;
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
    private readonly NoDataMask? missing;
    private readonly RowSink rows;
    private PyramidWriter? writer;

    /// <summary>Creates the sink.</summary>
    /// <param name="path">The file. It appears complete or not at all.</param>
    /// <param name="samples">Type of the numbers.</param>
    /// <param name="place">What else is known of the map; its size and its samples are passed over.</param>
    /// <param name="missing">
    /// Where the image has no data: all numbers of such positions are NaN, or 0 where they are bytes, of which none is left to mean it.
    /// Stays the caller's; null for nowhere.
    /// </param>
    public ProbabilityFile(
        string path, MapSamples samples = MapSamples.Byte, MapImage? place = null, NoDataMask? missing = null)
    {
        (this.path, this.samples, this.place) = (path, samples, place);
        this.missing = missing;
        rows = new RowSink((top, part) =>
        {
            using var scope = NewDisposeScope();
            // Channels of a position side by side.
            var beside = part[0].permute(1, 2, 0).contiguous();
            Mark(beside, top);
            writer!.Write(beside.bytes);
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
            // The one score of two classes is that of the second.
            ChannelNames = place?.ChannelNames is { } names && names.Count == (channels == 1 ? 2 : channels)
                ? channels == 1 ? [names[1]] : names
                : [],
            NoData = missing is not null && samples == MapSamples.Float32 ? double.NaN : null,
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

    /// <param name="part">[rows, W, K].</param>
    /// <param name="top">The first of the rows.</param>
    private void Mark(Tensor part, long top)
    {
        if (missing is null)
            return;
        var (width, channels) = ((int)part.shape[1], (int)part.shape[2]);
        for (var row = 0; row < part.shape[0]; row++)
        {
            var isMissing = missing.Row(top + row);
            using var line = part[row];
            for (var x = 0; x < width; x++)
            {
                if (!isMissing[x])
                    continue;
                if (samples == MapSamples.Float32)
                    MemoryMarshal.Cast<byte, float>(line.bytes).Slice(x * channels, channels).Fill(float.NaN);
                else
                    line.bytes.Slice(x * channels, channels).Clear();
            }
        }
    }
}
