using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>
/// Another source at a different size, each pixel being the one that its centre lies in: for values that must stay as they are.
/// </summary>
/// <remarks>
/// Pixel o of N is pixel floor((o + 1/2) n / N) of n, in whole numbers, so that it stands where <see cref="ResampledSource"/> centres what
/// it averages.
/// </remarks>
public sealed class NearestSource : IImageSource
{
    // So many values are read at once at most, but always a row.
    private const double BandValues = 16e6;

    private readonly IImageSource inner;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <param name="inner">The image to resample.</param>
    /// <param name="height">Height of the result in pixels.</param>
    /// <param name="width">Width of the result in pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1 pixel.</exception>
    public NearestSource(IImageSource inner, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        (this.inner, Height, Width) = (inner, height, width);
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
        var columns = Places(left, width, inner.Width, Width);
        var rows = Places(top, height, inner.Height, Height);
        var across = columns[^1] - columns[0] + 1;
        var chosen = tensor(Array.ConvertAll(columns, column => column - columns[0]));
        var bands = new List<Tensor>();
        for (var done = 0; done < rows.Length;)
        {
            var end = done + 1;
            while (end < rows.Length && (rows[end] - rows[done] + 1.0) * across * Channels <= BandValues)
                end++;
            bands.Add(Band(rows[done..end], columns[0], across, chosen));
            done = end;
        }

        return (bands.Count == 1 ? bands[0] : cat(bands, 2)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private Tensor Band(long[] rows, long left, long across, Tensor columns)
    {
        using var scope = NewDisposeScope();
        var window = inner.Read(rows[0], left, rows[^1] - rows[0] + 1, across);
        var chosen = tensor(Array.ConvertAll(rows, row => row - rows[0]));
        return window.index_select(2, chosen).index_select(3, columns).MoveToOuterDisposeScope();
    }

    private static long[] Places(long first, long count, long length, long resized)
    {
        var places = new long[count];
        for (var i = 0; i < count; i++)
            places[i] = ((2 * (first + i)) + 1) * length / (2 * resized);
        return places;
    }
}
