using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Reads the window that is likely to come next in the background while the network computes with the last one.</summary>
/// <remarks>
/// The next window is taken to lie as far from the last one as that lay from the one before, as in a pass over tiles in either direction. At most one window is
/// held ahead. A wrong guess costs its reading time and nothing else. The inner source is never read by two threads at a time.
/// </remarks>
public sealed class PrefetchingSource : IImageSource
{
    private readonly IImageSource inner;
    private (ImageRegion Region, Task<Tensor> Window)? ahead;
    private ImageRegion? last;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    public PrefetchingSource(IImageSource inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        this.inner = inner;
    }

    /// <summary>Windows that were ready, or being read, when they were asked for.</summary>
    public long Hits { get; private set; }

    /// <inheritdoc/>
    public int Channels => inner.Channels;

    /// <inheritdoc/>
    public long Height => inner.Height;

    /// <inheritdoc/>
    public long Width => inner.Width;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        var asked = new ImageRegion(top, left, height, width);
        asked.CheckInside(Height, Width);
        Tensor window;
        if (ahead is { } guess && guess.Region == asked)
        {
            ahead = null;
            Hits++;
            // The tensor was made on another thread and belongs to no scope there; hand it to the caller's.
            window = guess.Window.GetAwaiter().GetResult();
            window = Adopt(window);
        }
        else
        {
            Drop();
            window = inner.Read(top, left, height, width);
        }

        if (last is { } before && Next(before, asked) is { } next)
            ahead = (next, Task.Run(() => inner.Read(next.Top, next.Left, next.Height, next.Width).DetachFromDisposeScope()));
        last = asked;
        return window;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Drop();
        inner.Dispose();
    }

    private static Tensor Adopt(Tensor window)
    {
        using (window)
            return window.alias();
    }

    private ImageRegion? Next(ImageRegion before, ImageRegion now)
    {
        var (down, right) = (now.Top - before.Top, now.Left - before.Left);
        if ((down == 0) == (right == 0))
            return null;
        var (top, left) = (Math.Max(0, now.Top + down), Math.Max(0, now.Left + right));
        var height = Math.Min(now.Top + down + now.Height, Height) - top;
        var width = Math.Min(now.Left + right + now.Width, Width) - left;
        return height > 0 && width > 0 ? new ImageRegion(top, left, height, width) : null;
    }

    private void Drop()
    {
        if (ahead is not { } guess)
            return;
        ahead = null;
        try
        {
            guess.Window.GetAwaiter().GetResult().Dispose();
        }
        catch (ImageFormatException)
        {
            // Nobody asked for this window; if somebody does, the error comes again.
        }
    }
}
