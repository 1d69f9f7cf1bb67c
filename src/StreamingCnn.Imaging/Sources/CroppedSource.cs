using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>A region of another source, as an image of its own.</summary>
public sealed class CroppedSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly ImageRegion region;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The region is empty or does not lie inside the image.</exception>
    public CroppedSource(IImageSource inner, ImageRegion region)
    {
        ArgumentNullException.ThrowIfNull(inner);
        region.CheckInside(inner.Height, inner.Width);
        this.inner = inner;
        this.region = region;
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
        return inner.Read(region.Top + top, region.Left + left, height, width);
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
