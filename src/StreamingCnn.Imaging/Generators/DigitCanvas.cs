using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Generators;

/// <summary>A generated image: digits on noise. Drawn window by window, so it may be of any size.</summary>
public sealed class DigitCanvas : IImageSource
{
    private readonly long seed;
    private readonly double noise;

    internal DigitCanvas(long side, int label, IReadOnlyList<PlacedDigit> digits, long seed, double noise)
    {
        (Height, Width, Label, Digits) = (side, side, label, digits);
        this.seed = seed;
        this.noise = noise;
    }

    /// <inheritdoc/>
    public int Channels => 1;

    /// <inheritdoc/>
    public long Height { get; }

    /// <inheritdoc/>
    public long Width { get; }

    /// <summary>The class of the image.</summary>
    public int Label { get; }

    /// <summary>The digits in it; none overlaps another.</summary>
    public IReadOnlyList<PlacedDigit> Digits { get; }

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        var window = empty([1, 1, height, width], ScalarType.Byte);
        var pixels = window.bytes;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                pixels[(int)((y * width) + x)] = (byte)(PositionNoise.Uniform(seed, top + y, left + x) * noise);
        }

        foreach (var digit in Digits)
        {
            for (var y = Math.Max(top, digit.Top); y < Math.Min(top + height, digit.Top + digit.Side); y++)
            {
                for (var x = Math.Max(left, digit.Left); x < Math.Min(left + width, digit.Left + digit.Side); x++)
                {
                    var at = (int)(((y - top) * width) + (x - left));
                    pixels[at] = (byte)Math.Max(pixels[at], digit.Ink(y, x));
                }
            }
        }

        return window;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
