using static TorchSharp.torch;

namespace StreamingCnn.Training.Data;

/// <summary>
/// A source whose values are mapped from 0..<paramref name="full"/> to about -1..1, (value / full - mean) / deviation, window by window. A network learns
/// badly from raw bytes.
/// </summary>
/// <param name="source">The image; disposed together with this source.</param>
/// <param name="full">The value of full brightness: 255 for 8-bit images.</param>
/// <param name="mean">Brightness that becomes 0, as a share of full.</param>
/// <param name="deviation">Brightness that becomes 1 beyond the mean, as a share of full.</param>
public sealed class NormalisedSource(IImageSource source, double full = 255, double mean = 0.5, double deviation = 0.5) : IImageSource
{
    /// <inheritdoc/>
    public int Channels => source.Channels;

    /// <inheritdoc/>
    public long Height => source.Height;

    /// <inheritdoc/>
    public long Width => source.Width;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        using var window = source.Read(top, left, height, width);
        return window.to(ScalarType.Float32).mul_(1 / (full * deviation)).sub_(mean / deviation);
    }

    /// <inheritdoc/>
    public void Dispose() => source.Dispose();
}
