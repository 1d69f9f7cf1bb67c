using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Augmentation;

/// <summary>Another source mirrored and turned by quarters; no pixel changes its value.</summary>
public sealed class TurnedSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly bool mirror;
    private readonly int turns;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <param name="inner">The image.</param>
    /// <param name="mirror">Exchange left and right, before turning.</param>
    /// <param name="turns">Quarter turns against the clock, any number.</param>
    public TurnedSource(IImageSource inner, bool mirror, int turns)
    {
        ArgumentNullException.ThrowIfNull(inner);
        this.inner = inner;
        this.mirror = mirror;
        this.turns = ((turns % 4) + 4) % 4;
    }

    /// <inheritdoc/>
    public int Channels => inner.Channels;

    /// <inheritdoc/>
    public long Height => turns % 2 == 0 ? inner.Height : inner.Width;

    /// <inheritdoc/>
    public long Width => turns % 2 == 0 ? inner.Width : inner.Height;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        var region = turns switch
        {
            0 => new ImageRegion(top, left, height, width),
            1 => new ImageRegion(left, inner.Width - top - height, width, height),
            2 => new ImageRegion(inner.Height - top - height, inner.Width - left - width, height, width),
            _ => new ImageRegion(inner.Height - left - width, top, width, height),
        };
        if (mirror)
            region = region with { Left = inner.Width - region.Left - region.Width };
        var window = inner.Read(region.Top, region.Left, region.Height, region.Width);
        if (mirror)
            window = window.flip(3);
        return window.rot90(turns, (2, 3)).contiguous().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
