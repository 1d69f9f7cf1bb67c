using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>
/// Another source as float32 with Gaussian noise added. The noise depends on seed, channel and position alone: a pixel is the same in every
/// window.
/// </summary>
public sealed class NoisySource : IImageSource
{
    private readonly IImageSource inner;
    private readonly double deviation;
    private readonly long seed;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <param name="inner">The source.</param>
    /// <param name="deviation">Standard deviation of the noise, in the units of the source; 0 or more.</param>
    /// <param name="seed">The same seed gives the same noise.</param>
    /// <exception cref="ArgumentOutOfRangeException">The deviation is negative.</exception>
    public NoisySource(IImageSource inner, double deviation, long seed)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentOutOfRangeException.ThrowIfNegative(deviation);
        this.inner = inner;
        this.deviation = deviation;
        this.seed = seed;
    }

    /// <inheritdoc/>
    public int Channels => inner.Channels;

    /// <inheritdoc/>
    public long Height => inner.Height;

    /// <inheritdoc/>
    public long Width => inner.Width;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        var pixels = FloatPixels.Of(inner.Read(top, left, height, width));
        Parallel.For(0, Channels * height, row =>
        {
            var line = pixels[row];
            var (channel, y) = (row / height, top + (row % height));
            for (var x = 0; x < line.Length; x++)
                line[x] += (float)(deviation * Normal(channel, y, left + x));
        });
        return pixels.Window.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    /// <summary>A standard normal number (Box and Muller, 1958) from the two halves of 64 random bits.</summary>
    private double Normal(long channel, long y, long x)
    {
        const double Unit = 1.0 / (1UL << 32);
        var bits = PositionNoise.Bits(unchecked((seed * 31) + channel), y, x);
        // Never 0, whose logarithm there is not.
        var (first, second) = (((bits >> 32) + 0.5) * Unit, (bits & uint.MaxValue) * Unit);
        return Math.Sqrt(-2 * Math.Log(first)) * Math.Cos(2 * Math.PI * second);
    }
}
