using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Augmentation;

/// <summary>Another source turned by any angle about its centre and deformed elastically; its size stays the same.</summary>
/// <remarks>
/// The deformation is a smooth random field that is a function of the position alone, so any window can compute its part. A window reads the box that
/// its pixels come from; pixels are interpolated linearly. What comes from outside the image has the fill value.
/// </remarks>
public sealed class WarpedSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly double cos;
    private readonly double sin;
    private readonly double amplitude;
    private readonly double spacing;
    private readonly long seed;
    private readonly float fill;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <param name="inner">The image.</param>
    /// <param name="degrees">Turn about the centre, in degrees.</param>
    /// <param name="amplitude">Greatest shift by the deformation along each axis, in pixels; 0 for none.</param>
    /// <param name="spacing">Distance in pixels over which the deformation changes.</param>
    /// <param name="seed">Decides the deformation.</param>
    /// <param name="fill">Value of pixels from outside the image.</param>
    public WarpedSource(IImageSource inner, double degrees, double amplitude, double spacing, long seed, float fill)
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
        using var scope = NewDisposeScope();
        var count = checked((int)(height * width));
        var (ys, xs) = (new double[count], new double[count]);
        var (minY, maxY, minX, maxX) = (double.MaxValue, double.MinValue, double.MaxValue, double.MinValue);
        for (var i = 0; i < count; i++)
        {
            var (y, x) = Origin(top + (i / width), left + (i % width));
            (ys[i], xs[i]) = (y, x);
            (minY, maxY, minX, maxX) = (Math.Min(minY, y), Math.Max(maxY, y), Math.Min(minX, x), Math.Max(maxX, x));
        }

        var (y0, y1) = ((long)Math.Clamp(Math.Floor(minY), 0, Height), (long)Math.Clamp(Math.Floor(maxY) + 2, 0, Height));
        var (x0, x1) = ((long)Math.Clamp(Math.Floor(minX), 0, Width), (long)Math.Clamp(Math.Floor(maxX) + 2, 0, Width));
        // The source's type is learnt from a pixel where nothing of the window lies inside.
        var empty = y1 <= y0 || x1 <= x0;
        var box = empty ? inner.Read(0, 0, 1, 1) : inner.Read(y0, x0, y1 - y0, x1 - x0);
        var isByte = box.dtype == ScalarType.Byte;
        var values = box.to(ScalarType.Float32).contiguous().data<float>().ToArray();
        var (boxHeight, boxWidth) = empty ? (0, 0) : ((int)(y1 - y0), (int)(x1 - x0));
        var result = new float[Channels * count];
        for (var i = 0; i < count; i++)
        {
            var (fy, fx) = (Math.Floor(ys[i]), Math.Floor(xs[i]));
            var (wy, wx) = ((float)(ys[i] - fy), (float)(xs[i] - fx));
            for (var c = 0; c < Channels; c++)
            {
                float At(double y, double x) => y < y0 || y >= y0 + boxHeight || x < x0 || x >= x0 + boxWidth
                    ? fill
                    : values[(((c * boxHeight) + (int)(y - y0)) * boxWidth) + (int)(x - x0)];
                result[(c * count) + i] = ((1 - wy) * (((1 - wx) * At(fy, fx)) + (wx * At(fy, fx + 1)))) + (wy * (((1 - wx) * At(fy + 1, fx)) + (wx * At(fy + 1, fx + 1))));
            }
        }

        var warped = tensor(result, [1, Channels, height, width]);
        return (isByte ? warped.round_().clamp_(0, 255).to(ScalarType.Byte) : warped).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private (double Y, double X) Origin(long y, long x)
    {
        var (cy, cx) = ((Height - 1) / 2.0, (Width - 1) / 2.0);
        var (dy, dx) = (y - cy, x - cx);
        var (sy, sx) = (cy + (cos * dy) - (sin * dx), cx + (sin * dy) + (cos * dx));
        return amplitude == 0 ? (sy, sx) : (sy + (amplitude * Field(2, y, x)), sx + (amplitude * Field(3, y, x)));
    }

    // Value noise in [-1, 1]: random numbers on a lattice, blended with weights whose slope is zero at the lattice points.
    private double Field(int axis, double y, double x)
    {
        var (gy, gx) = (Math.Floor(y / spacing), Math.Floor(x / spacing));
        var (ty, tx) = (Smooth((y / spacing) - gy), Smooth((x / spacing) - gx));
        double At(double row, double column) => (2 * PositionNoise.Uniform(seed + axis, (long)row, (long)column)) - 1;
        return ((1 - ty) * (((1 - tx) * At(gy, gx)) + (tx * At(gy, gx + 1)))) + (ty * (((1 - tx) * At(gy + 1, gx)) + (tx * At(gy + 1, gx + 1))));
    }

    private static double Smooth(double t) => t * t * (3 - (2 * t));
}
