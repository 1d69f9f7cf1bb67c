using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Augmentation;

/// <summary>Another source with its colours changed, pixel by pixel. Bytes stay bytes, rounded and clipped to 0..255.</summary>
public sealed class RecolouredSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly ColourChange change;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <exception cref="ArgumentException">The image has neither one nor three channels.</exception>
    public RecolouredSource(IImageSource inner, ColourChange change)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(change);
        if (inner.Channels is not (1 or 3))
            throw new ArgumentException(
                $"The image has {inner.Channels} channels; colours can be changed in images of 1 or 3.", nameof(inner));
        this.inner = inner;
        this.change = change;
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
        var window = inner.Read(top, left, height, width);
        var isByte = window.dtype == ScalarType.Byte;
        var pixels = FloatPixels.Of(window);
        // Not by tensor operations: their vectorised and scalar parts round differently, so pixels would depend on the window.
        Parallel.For(0, height, row =>
        {
            Span<float> pixel = stackalloc float[Channels];
            for (var i = 0; i < pixels.Width; i++)
            {
                for (var c = 0; c < pixel.Length; c++)
                    pixel[c] = pixels[(c * height) + row][i];
                change.Apply(pixel);
                for (var c = 0; c < pixel.Length; c++)
                    pixels[(c * height) + row][i] = pixel[c];
            }
        });
        return (isByte ? PixelRange.ToBytes(pixels.Window) : pixels.Window).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
