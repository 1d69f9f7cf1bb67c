using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Tells pixels without data by the value that a file declares to mean that.</summary>
internal readonly record struct MissingPixels
{
    // GDAL takes floating-point numbers for equal that are two steps of 32 bits apart: the text of a number has fewer
    // digits than the number.
    private const double RelativeTolerance = 4 * 1.1920929e-7;

    private readonly double value;
    private readonly double tolerance;
    private readonly bool inAllBands;

    private MissingPixels(double value, double tolerance, bool inAllBands) =>
        (this.value, this.tolerance, this.inAllBands) = (value, tolerance, inAllBands);

    /// <summary>The rule for windows of an image.</summary>
    /// <param name="declared">The value as it is stored.</param>
    /// <param name="info">The image.</param>
    /// <param name="options">How it is opened.</param>
    public static MissingPixels Of(double declared, ImageInfo info, ImageOptions options)
    {
        // 0 and 255 are also values of colours: of those, all must be the value.
        var all = info is { Bits: <= 8, FloatingPoint: false };
        if (info.FloatingPoint)
            return new(declared, Math.Abs(declared) * RelativeTolerance, all);
        var largest = info.StoredLargest ?? (info is { Bits: 16, Signed: false } ? ushort.MaxValue : (int?)null);
        var value = info.IsInverted && largest is { } white ? white - declared : declared;
        // Raw values are those of 16 bits alone; fewer than 8 bits are always spread over 0..255.
        var scale = largest is { } most && !(options.RawValues && info.Bits > 8) ? most / 255.0 : 1;
        return new(value / scale, Math.Max(0.05 / scale, Math.Abs(value / scale) * RelativeTolerance / 4), all);
    }

    /// <summary>The rule for maps of numbers, whose channels are each by themselves, as they are stored.</summary>
    /// <param name="declared">The value.</param>
    /// <param name="info">The file.</param>
    public static MissingPixels OfNumbers(double declared, ImageInfo info) =>
        new(declared, info.FloatingPoint ? Math.Abs(declared) * RelativeTolerance : 0.05, inAllBands: false);

    /// <summary>Writes NaN where there are no data.</summary>
    /// <param name="pixels">A window.</param>
    /// <param name="channels">Its channels.</param>
    public void Mark(FloatPixels pixels, int channels)
    {
        for (long row = 0; row < (inAllBands ? 1 : channels) * pixels.Height; row++)
        {
            for (var i = 0; i < pixels.Width; i++)
            {
                var isMissing = IsMissing(pixels[row][i]);
                for (var channel = 1; inAllBands && isMissing && channel < channels; channel++)
                    isMissing = IsMissing(pixels[(channel * pixels.Height) + row][i]);
                for (var channel = 0; isMissing && channel < (inAllBands ? channels : 1); channel++)
                    pixels[(channel * pixels.Height) + row][i] = float.NaN;
            }
        }
    }

    // A number of 64 bits that 32 cannot hold is stored as the greatest that they can, or read as infinity.
    private bool IsMissing(float pixel) => Math.Abs(value) >= float.MaxValue
        ? Math.Abs(pixel) >= float.MaxValue && Math.Sign(pixel) == Math.Sign(value)
        : Math.Abs(pixel - value) <= tolerance;
}

/// <summary>Another source as float32, with NaN where the file says that there are no data.</summary>
internal sealed class MissingPixelsSource(IImageSource inner, MissingPixels missing) : IImageSource
{
    public int Channels => inner.Channels;

    public long Height => inner.Height;

    public long Width => inner.Width;

    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        var pixels = FloatPixels.Of(inner.Read(top, left, height, width));
        missing.Mark(pixels, Channels);
        return pixels.Window.MoveToOuterDisposeScope();
    }

    public void Dispose() => inner.Dispose();
}
