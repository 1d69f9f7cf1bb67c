using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Generators;

/// <summary>A generated image: digits on noise. Drawn window by window, so it may be of any size.</summary>
public sealed class DigitCanvas : IImageSource
{
    private readonly long seed;
    private readonly double noise;

    /// <summary>Digits on a black image, and squares of noise that cover them.</summary>
    internal DigitCanvas(long side, int label, IReadOnlyList<PlacedDigit> digits, IReadOnlyList<PlacedNoise> covers)
        : this(side, label, digits, seed: 0, noise: 0) => Covers = covers;

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

    /// <summary>Squares of noise over the digits, each over those before it.</summary>
    public IReadOnlyList<PlacedNoise> Covers { get; } = [];

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        var window = zeros([1, 1, height, width], ScalarType.Byte);
        var pixels = window.bytes;
        for (var y = 0; noise > 0 && y < height; y++)
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

        foreach (var cover in Covers)
        {
            var (y0, y1) = (Math.Max(top, cover.Top), Math.Min(top + height, cover.Top + DigitBank.Side));
            var (x0, x1) = (Math.Max(left, cover.Left), Math.Min(left + width, cover.Left + DigitBank.Side));
            for (var y = y0; y < y1 && x0 < x1; y++)
            {
                cover.Picture.AsSpan((int)(((y - cover.Top) * DigitBank.Side) + x0 - cover.Left), (int)(x1 - x0))
                    .CopyTo(pixels[(int)(((y - top) * width) + x0 - left)..]);
            }
        }

        return window;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
