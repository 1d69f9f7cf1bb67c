using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Augmentation;

/// <summary>Another source turned by any angle about its centre and deformed elastically; its size stays the same.</summary>
/// <remarks>
/// The deformation is a smooth random field that is a function of the position alone, so any window can compute its part. A window reads
/// the box that its pixels come from; pixels are interpolated linearly, or the nearest is taken. What comes from outside the image has the
/// fill value.
/// </remarks>
public sealed class WarpedSource : IImageSource
{
    private const int Block = 512;

    private readonly IImageSource inner;
    private readonly double cos;
    private readonly double sin;
    private readonly double amplitude;
    private readonly double spacing;
    private readonly long seed;
    private readonly float fill;
    private readonly bool isNearest;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <param name="inner">The image.</param>
    /// <param name="degrees">Turn about the centre, in degrees.</param>
    /// <param name="amplitude">Greatest shift by the deformation along each axis, in pixels; 0 for none.</param>
    /// <param name="spacing">Distance in pixels over which the deformation changes.</param>
    /// <param name="seed">Decides the deformation.</param>
    /// <param name="fill">Value of pixels from outside the image.</param>
    /// <param name="isNearest">
    /// Take the nearest pixel, and do not interpolate: for values that must stay as they are, such as classes.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The amplitude is negative, or the spacing not positive.</exception>
    public WarpedSource(IImageSource inner, double degrees, double amplitude, double spacing, long seed, float fill, bool isNearest = false)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentOutOfRangeException.ThrowIfNegative(amplitude);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(spacing);
        this.inner = inner;
        (sin, cos) = Math.SinCos(degrees * Math.PI / 180);
        this.amplitude = amplitude;
        this.spacing = spacing;
        this.seed = seed;
        this.fill = fill;
        this.isNearest = isNearest;
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
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        if (height <= Block && width <= Block)
            return ReadBlock(top, left, (int)height, (int)width);
        // The box of a long window at a slant is far larger than the window: the boxes of its blocks are not.
        using var scope = NewDisposeScope();
        Tensor? window = null;
        for (long y = 0; y < height; y += Block)
        {
            for (long x = 0; x < width; x += Block)
            {
                using var inner = NewDisposeScope();
                var (h, w) = ((int)Math.Min(Block, height - y), (int)Math.Min(Block, width - x));
                var block = ReadBlock(top + y, left + x, h, w);
                window ??= empty([1, Channels, height, width], block.dtype).MoveToOuterDisposeScope();
                window.narrow(2, y, h).narrow(3, x, w).copy_(block);
            }
        }

        return window!.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private Tensor ReadBlock(long top, long left, int height, int width)
    {
        using var scope = NewDisposeScope();
        var (ys, xs) = Origins(top, left, height, width);
        var (y0, y1) = (Within(ys.Min(), Height), Within(ys.Max() + 2, Height));
        var (x0, x1) = (Within(xs.Min(), Width), Within(xs.Max() + 2, Width));
        // The source's type is learnt from a pixel where nothing of the window lies inside.
        var empty = y1 <= y0 || x1 <= x0;
        var pixels = empty ? inner.Read(0, 0, 1, 1) : inner.Read(y0, x0, y1 - y0, x1 - x0);
        var type = pixels.dtype;
        var box = new Box(
            FloatPixels.Of(pixels), y0, x0, empty ? 0 : (int)(y1 - y0), empty ? 0 : (int)(x1 - x0), fill);
        var warped = FloatPixels.Empty(Channels, height, width);
        Parallel.For(0, height, row =>
        {
            for (var c = 0; c < Channels; c++)
            {
                var line = warped[(c * height) + row];
                for (var x = 0; x < width; x++)
                {
                    var i = (row * width) + x;
                    line[x] = isNearest ? box.Nearest(c, ys[i], xs[i]) : box.Between(c, ys[i], xs[i]);
                }
            }
        });
        var window = warped.Window;
        return (type == ScalarType.Byte ? PixelRange.ToBytes(window) : isNearest ? window.to(type) : window).MoveToOuterDisposeScope();
    }

    private static long Within(double position, long length) => (long)Math.Clamp(Math.Floor(position), 0, length);

    /// <summary>Where in the source each pixel of a window comes from.</summary>
    private (double[] Y, double[] X) Origins(long top, long left, int height, int width)
    {
        var (cy, cx) = ((Height - 1) / 2.0, (Width - 1) / 2.0);
        var (ys, xs) = (new double[height * width], new double[height * width]);
        var down = amplitude == 0 ? null : new SmoothField(seed + 2, spacing, top, left, height, width);
        var across = amplitude == 0 ? null : new SmoothField(seed + 3, spacing, top, left, height, width);
        Parallel.For(0, height, row =>
        {
            for (var column = 0; column < width; column++)
            {
                var (y, x) = (top + row, left + column);
                var (dy, dx) = (y - cy, x - cx);
                var (sy, sx) = (cy + (cos * dy) - (sin * dx), cx + (sin * dy) + (cos * dx));
                ys[(row * width) + column] = down is null ? sy : sy + (amplitude * down.At(y, x));
                xs[(row * width) + column] = across is null ? sx : sx + (amplitude * across.At(y, x));
            }
        });
        return (ys, xs);
    }

    /// <summary>The part of the source that a window needs, with the fill value around it.</summary>
    private sealed record Box(FloatPixels Values, long Top, long Left, int Height, int Width, float Fill)
    {
        /// <summary>The value between pixels, by linear interpolation.</summary>
        public float Between(int channel, double y, double x)
        {
            var (fy, fx) = (Math.Floor(y), Math.Floor(x));
            var (wy, wx) = ((float)(y - fy), (float)(x - fx));
            var (row, column) = ((long)fy - Top, (long)fx - Left);
            var upper = ((1 - wx) * At(channel, row, column)) + (wx * At(channel, row, column + 1));
            var lower = ((1 - wx) * At(channel, row + 1, column)) + (wx * At(channel, row + 1, column + 1));
            return ((1 - wy) * upper) + (wy * lower);
        }

        /// <summary>The value of the pixel that a place is nearest to.</summary>
        public float Nearest(int channel, double y, double x) =>
            At(channel, (long)Math.Floor(y + 0.5) - Top, (long)Math.Floor(x + 0.5) - Left);

        private float At(int channel, long row, long column) =>
            row < 0 || row >= Height || column < 0 || column >= Width ? Fill : Values[(channel * Height) + row][(int)column];
    }
}
