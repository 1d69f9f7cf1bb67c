using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>What is made of a map's channels as a pyramid of tiles in a TIFF file, while it comes rectangle by rectangle.</summary>
internal sealed class ChannelFile : IMapSink, IDisposable
{
    private readonly string path;
    private readonly MapImage? place;
    private readonly MapSamples samples;
    private readonly Func<Tensor, Tensor> values;
    private readonly Func<int, IReadOnlyList<string>> namesOf;
    private readonly NoDataMask? missing;
    private readonly RowSink rows;
    private PyramidWriter? writer;

    /// <summary>Creates the sink.</summary>
    /// <param name="path">The file. It appears complete or not at all.</param>
    /// <param name="samples">Type of the numbers.</param>
    /// <param name="values">From a rectangle of the map, [1, K, h, w], to what is written of it, in as many channels.</param>
    /// <param name="place">What else is known of the map; its size and its samples are passed over.</param>
    /// <param name="namesOf">Names of so many channels; none where they have no names.</param>
    /// <param name="missing">
    /// Where the image has no data: all numbers of such positions are NaN, or 0 where they are bytes, of which none is left to mean it.
    /// Stays the caller's; null for nowhere.
    /// </param>
    public ChannelFile(
        string path,
        MapSamples samples,
        Func<Tensor, Tensor> values,
        MapImage? place,
        Func<int, IReadOnlyList<string>> namesOf,
        NoDataMask? missing)
    {
        (this.path, this.samples, this.values, this.place, this.namesOf) = (path, samples, values, place, namesOf);
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
            throw new ArgumentException($"A file of a map is of one image, and not of {batch}.");
        writer?.Dispose();
        rows.Begin(batch, channels, height, width);
        writer = new(path, (place ?? new(height, width)) with
        {
            Height = height,
            Width = width,
            Channels = checked((int)channels),
            Samples = samples,
            Classes = null,
            ChannelNames = namesOf((int)channels),
            NoData = missing is not null && samples == MapSamples.Float32 ? double.NaN : null,
        });
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = NewDisposeScope();
        rows.Write(top, left, this.values(values).to(samples == MapSamples.Byte ? ScalarType.Byte : ScalarType.Float32).cpu());
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
