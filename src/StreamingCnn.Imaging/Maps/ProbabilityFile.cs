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

    private readonly ChannelFile file;

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
        file = new(path, samples, Values, place, Names, missing);

        Tensor Values(Tensor scores)
        {
            var probabilities = Probabilities.Of(scores);
            if (samples != MapSamples.Byte)
                return probabilities;
            using var certain = tensor(Certain, dtype: probabilities.dtype, device: probabilities.device);
            return (probabilities * certain).round();
        }

        // The one score of two classes is that of the second.
        IReadOnlyList<string> Names(int channels) => place?.ChannelNames is { } names && names.Count == (channels == 1 ? 2 : channels)
            ? channels == 1 ? [names[1]] : names
            : [];
    }

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
