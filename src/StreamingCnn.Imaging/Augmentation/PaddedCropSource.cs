using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Augmentation;

/// <summary>
/// A region of another source that may reach beyond it; what lies outside, or in one of the cut-out boxes, has the fill value.
/// </summary>
public sealed class PaddedCropSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly ImageRegion region;
    private readonly IReadOnlyList<ImageRegion> holes;
    private readonly float fill;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <param name="inner">The image.</param>
    /// <param name="region">Part of the image's plane to show; not empty, but anywhere.</param>
    /// <param name="fill">Value of pixels outside the image and in holes.</param>
    /// <param name="holes">Boxes to blank out (cutout), in pixels of the result; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The region is empty.</exception>
    public PaddedCropSource(IImageSource inner, ImageRegion region, float fill, IReadOnlyList<ImageRegion>? holes = null)
    {
        ArgumentNullException.ThrowIfNull(inner);
        if (region.Height <= 0 || region.Width <= 0)
            throw new ArgumentOutOfRangeException(nameof(region), region, "The region must not be empty.");
        this.inner = inner;
        this.region = region;
        this.fill = fill;
        this.holes = holes ?? [];
    }

    /// <inheritdoc/>
    public int Channels => inner.Channels;

    /// <inheritdoc/>
    public long Height => region.Height;

    /// <inheritdoc/>
    public long Width => region.Width;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        var (y, x) = (region.Top + top, region.Left + left);
        var touched = holes.Any(
            hole => hole.Top < top + height && top < hole.Top + hole.Height && hole.Left < left + width && left < hole.Left + hole.Width);
        if (!touched && y >= 0 && x >= 0 && y + height <= inner.Height && x + width <= inner.Width)
            return inner.Read(y, x, height, width);
        using var scope = NewDisposeScope();
        var (y0, y1) = (Math.Clamp(y, 0, inner.Height), Math.Clamp(y + height, 0, inner.Height));
        var (x0, x1) = (Math.Clamp(x, 0, inner.Width), Math.Clamp(x + width, 0, inner.Width));
        var inside = y1 > y0 && x1 > x0;
        var part = inside ? inner.Read(y0, x0, y1 - y0, x1 - x0) : inner.Read(0, 0, 1, 1);
        // Not made by the calls: nothing else would keep it from the garbage collector while libtorch reads it.
        using Scalar value = fill;
        var window = full([1, Channels, height, width], value, part.dtype);
        if (inside)
            window.narrow(2, y0 - y, y1 - y0).narrow(3, x0 - x, x1 - x0).copy_(part);
        foreach (var hole in holes)
        {
            var (h0, h1) = (Math.Max(hole.Top, top), Math.Min(hole.Top + hole.Height, top + height));
            var (w0, w1) = (Math.Max(hole.Left, left), Math.Min(hole.Left + hole.Width, left + width));
            if (h1 > h0 && w1 > w0)
                window.narrow(2, h0 - top, h1 - h0).narrow(3, w0 - left, w1 - w0).fill_(value);
        }

        return window.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
