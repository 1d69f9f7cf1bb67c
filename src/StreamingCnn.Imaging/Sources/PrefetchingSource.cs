using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Reads the window that is likely to come next in the background while the network computes with the last one.</summary>
/// <remarks>
/// Windows are foretold from the pass over the image so far: the way back of a training step entirely, the way there all but the first few.
/// At most one window is held ahead. A wrong guess costs its reading time and nothing else. The inner source is never read by two threads
/// at a time.
/// </remarks>
public sealed class PrefetchingSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly WindowForecast forecast;
    private (ImageRegion Region, Task<Tensor> Window)? ahead;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    public PrefetchingSource(IImageSource inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        this.inner = inner;
        forecast = new WindowForecast(inner.Height, inner.Width);
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
        if (ahead is { } guess && Contains(guess.Region, asked))
        {
            ahead = null;
            Hits++;
            window = Part(guess.Window.GetAwaiter().GetResult(), guess.Region, asked);
        }
        else
        {
            Drop();
            window = inner.Read(top, left, height, width);
        }

        if (forecast.After(asked) is { } next)
            ahead = (next, Task.Run(() => inner.Read(next.Top, next.Left, next.Height, next.Width).DetachFromDisposeScope()));
        return window;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Drop();
        inner.Dispose();
    }

    private static bool Contains(ImageRegion outer, ImageRegion part) =>
        outer.Top <= part.Top && outer.Left <= part.Left && outer.Top
            + outer.Height >= part.Top + part.Height && outer.Left + outer.Width >= part.Left + part.Width;

    // The tensor was made on another thread and belongs to no scope there; what is returned belongs to the caller's.
    private static Tensor Part(Tensor window, ImageRegion region, ImageRegion asked)
    {
        using (window)
        {
            if (region == asked)
                return window.alias();
            using var rows = window.narrow(2, asked.Top - region.Top, asked.Height);
            using var part = rows.narrow(3, asked.Left - region.Left, asked.Width);
            return part.contiguous();
        }
    }

    private void Drop()
    {
        if (ahead is not { } guess)
            return;
        ahead = null;
        // Nobody asked for this window: if it failed, whoever asks for it will be told.
        Task.WhenAny(guess.Window).Wait();
        if (guess.Window.IsCompletedSuccessfully)
            guess.Window.Result.Dispose();
    }
}
