using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Another source at a different size: smaller by averaging, larger by linear interpolation.</summary>
/// <remarks>
/// A pixel depends on its position alone and not on the window in which it is read: windows cut differently agree bit for bit. The filter is a
/// triangle of twice the scale's width (what Pillow calls BILINEAR), first along rows, then along columns, rounded once at the end.
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
        var (sourceHeight, sourceWidth) = ((int)(endRow - firstRow), (int)(endColumn - firstColumn));
        var values = FloatPixels.Of(window);
        var present = hasMissing ? Presence(values) : null;
        var down = Resample(values);
        if (present is not null)
        {
            var shares = Resample(present);
            for (var i = 0; i < down.Length; i++)
                down[i] = shares[i] >= 0.5f ? down[i] / shares[i] : float.NaN;
        }

        var result = tensor(down, [1, Channels, height, width]);
        return (isByte ? PixelRange.ToBytes(result) : result).MoveToOuterDisposeScope();

        float[] Resample(float[] pixels)
        {
            var across = new float[Channels * sourceHeight * width];
            Across(pixels, across, sourceHeight, sourceWidth, left, (int)width, firstColumn);
            var both = new float[Channels * height * width];
            Down(across, both, sourceHeight, (int)width, top, (int)height, firstRow);
            return both;
        }
    }

    /// <summary>1 where there is a pixel and 0 where there is none; those become 0. Null where all are there.</summary>
    private static float[]? Presence(float[] values)
    {
        if (!Array.Exists(values, float.IsNaN))
            return null;
        var present = new float[values.Length];
        for (var i = 0; i < values.Length; i++)
            (values[i], present[i]) = float.IsNaN(values[i]) ? (0, 0) : (values[i], 1);
        return present;
    }

    private void Across(float[] values, float[] across, int sourceHeight, int sourceWidth, long left, int width, long firstColumn)
    {
        var taps = Enumerable.Range(0, width).Select(x => (First: (int)(columns.Span(left + x).First - firstColumn), Weights: columns.Weights(left + x))).ToArray();
        Parallel.For(0, Channels * sourceHeight, line =>
        {
            for (var x = 0; x < width; x++)
            {
                double sum = 0;
                var source = values.AsSpan((line * sourceWidth) + taps[x].First, taps[x].Weights.Length);
                for (var k = 0; k < source.Length; k++)
                    sum += taps[x].Weights[k] * (double)source[k];
                across[(line * width) + x] = (float)(sum / (1 << ResampleTaps.Shift));
            }
        });
    }

    private void Down(float[] across, float[] down, int sourceHeight, int width, long top, int height, long firstRow) => Parallel.For(0, height, y =>
    {
        var sums = new double[width];
        var first = (int)(rows.Span(top + y).First - firstRow);
        var weights = rows.Weights(top + y);
        for (var channel = 0; channel < Channels; channel++)
        {
            Array.Clear(sums);
            for (var k = 0; k < weights.Length; k++)
            {
                var line = across.AsSpan(((channel * sourceHeight) + first + k) * width, width);
                for (var x = 0; x < width; x++)
                    sums[x] += weights[k] * (double)line[x];
            }

            var target = down.AsSpan(((channel * height) + y) * width, width);
            for (var x = 0; x < width; x++)
                target[x] = (float)(sums[x] / (1 << ResampleTaps.Shift));
        }
    });
}
