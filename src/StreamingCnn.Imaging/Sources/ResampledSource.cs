using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Another source at a different size: smaller by averaging, larger by linear interpolation.</summary>
/// <remarks>
/// A pixel depends on its position alone and not on the window in which it is read: windows cut differently agree bit for bit. The filter
/// is a triangle of twice the scale's width (what Pillow calls BILINEAR), first along rows, then along columns, rounded once at the end.
/// </remarks>
public sealed class ResampledSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly ResampleTaps rows;
    private readonly ResampleTaps columns;
    private readonly bool hasMissing;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <param name="inner">The image to resample.</param>
    /// <param name="height">Height of the result in pixels.</param>
    /// <param name="width">Width of the result in pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1 pixel.</exception>
    public ResampledSource(IImageSource inner, long height, long width)
        : this(inner, height, width, hasMissing: false)
    {
    }

    /// <param name="inner">The image to resample.</param>
    /// <param name="height">Height of the result in pixels.</param>
    /// <param name="width">Width of the result in pixels.</param>
    /// <param name="hasMissing">
    /// Whether NaN means a pixel without data. Such pixels have no part in the mean; where they would have more than
    /// half of it, the result has no data either.
    /// </param>
    internal ResampledSource(IImageSource inner, long height, long width, bool hasMissing)
    {
        this.hasMissing = hasMissing;
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        this.inner = inner;
        Height = height;
        Width = width;
        rows = new ResampleTaps(inner.Height, height);
        columns = new ResampleTaps(inner.Width, width);
    }

    /// <summary>
    /// Numbers at a different size, where NaN means that there is none: each is the mean of those that there are, or none where more than
    /// half of what it is made of is missing.
    /// </summary>
    /// <param name="inner">The numbers; owned from then on.</param>
    /// <param name="height">Height of the result in pixels.</param>
    /// <param name="width">Width of the result in pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1 pixel.</exception>
    public static ResampledSource OfNumbers(IImageSource inner, long height, long width) => new(inner, height, width, hasMissing: true);

    /// <inheritdoc/>
    public int Channels => inner.Channels;

    /// <inheritdoc/>
    public long Height { get; }

    /// <inheritdoc/>
    public long Width { get; }

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        var (firstColumn, endColumn) = (columns.Span(left).First, columns.Span(left + width - 1).End);
        // Band by band of output rows, so that a thumbnail of a huge image does not hold the image.
        var step = (long)Math.Clamp(16e6 / Math.Max(1, (endColumn - firstColumn) * rows.Span(0).End * (double)Channels), 1, height);
        var bands = new List<Tensor>();
        for (long done = 0; done < height; done += step)
            bands.Add(ReadRows(top + done, Math.Min(step, height - done), left, width, firstColumn, endColumn));
        return (bands.Count == 1 ? bands[0] : cat(bands, 2)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private Tensor ReadRows(long top, long height, long left, long width, long firstColumn, long endColumn)
    {
        using var scope = NewDisposeScope();
        var (firstRow, endRow) = (rows.Span(top).First, rows.Span(top + height - 1).End);
        var window = inner.Read(firstRow, firstColumn, endRow - firstRow, endColumn - firstColumn).contiguous();
        var isByte = window.dtype == ScalarType.Byte;
        var values = FloatPixels.Of(window);
        var present = hasMissing ? Presence(values) : null;
        var down = Resample(values);
        if (present is not null)
        {
            var shares = Resample(present);
            for (long row = 0; row < Channels * height; row++)
            {
                var line = down[row];
                var share = shares[row];
                for (var x = 0; x < line.Length; x++)
                    line[x] = share[x] >= 0.5f ? line[x] / share[x] : float.NaN;
            }
        }

        return (isByte ? PixelRange.ToBytes(down.Window) : down.Window).MoveToOuterDisposeScope();

        FloatPixels Resample(FloatPixels pixels)
        {
            var across = FloatPixels.Empty(Channels, pixels.Height, width);
            Across(pixels, across, left, firstColumn);
            var both = FloatPixels.Empty(Channels, height, width);
            Down(across, both, top, firstRow);
            return both;
        }
    }

    /// <summary>1 where there is a pixel and 0 where there is none; those become 0. Null where all are there.</summary>
    private static FloatPixels? Presence(FloatPixels values)
    {
        using var missing = values.Window.isnan();
        using (var any = missing.any())
        {
            if (!any.item<bool>())
                return null;
        }

        using Scalar nothing = 0;
        values.Window.masked_fill_(missing, nothing);
        return FloatPixels.Of(missing.logical_not());
    }

    private void Across(FloatPixels values, FloatPixels across, long left, long firstColumn)
    {
        var taps = Enumerable.Range(0, across.Width)
            .Select(x => (First: (int)(columns.Span(left + x).First - firstColumn), Weights: columns.Weights(left + x))).ToArray();
        Parallel.For(0, Channels * values.Height, row =>
        {
            var line = values[row];
            var target = across[row];
            for (var x = 0; x < target.Length; x++)
            {
                double sum = 0;
                var source = line.Slice(taps[x].First, taps[x].Weights.Length);
                for (var k = 0; k < source.Length; k++)
                    sum += taps[x].Weights[k] * (double)source[k];
                target[x] = (float)(sum / (1 << ResampleTaps.Shift));
            }
        });
    }

    private void Down(FloatPixels across, FloatPixels down, long top, long firstRow) =>
        Parallel.For(0, down.Height, () => new double[down.Width], (y, _, sums) => Down(across, down, top, firstRow, y, sums), _ => { });

    private double[] Down(FloatPixels across, FloatPixels down, long top, long firstRow, long y, double[] sums)
    {
        var first = (int)(rows.Span(top + y).First - firstRow);
        var weights = rows.Weights(top + y);
        for (var channel = 0; channel < Channels; channel++)
        {
            Array.Clear(sums);
            for (var k = 0; k < weights.Length; k++)
            {
                var line = across[(channel * across.Height) + first + k];
                for (var x = 0; x < line.Length; x++)
                    sums[x] += weights[k] * (double)line[x];
            }

            var target = down[(channel * down.Height) + y];
            for (var x = 0; x < target.Length; x++)
                target[x] = (float)(sums[x] / (1 << ResampleTaps.Shift));
        }

        return sums;
    }
}
