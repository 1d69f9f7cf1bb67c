using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// Where an image has no data, row by row, as it is opened: of a pixel no band has. Where a foreground alone is looked at, the rest is
/// without data, too. Of the mask a strip is held, of the image a window.
/// </summary>
public sealed class NoDataMask : IDisposable
{
    private const long StripRows = 256;
    private const long WindowWidth = 1024;

    private readonly IImageSource? image;
    private readonly IImageSource? foreground;
    private readonly long height;
    private readonly long width;
    private readonly bool[] strip;
    private long top = -1;

    private NoDataMask(IImageSource? image, IImageSource? foreground)
    {
        (this.image, this.foreground) = (image, foreground);
        var one = image ?? foreground!;
        (height, width) = (one.Height, one.Width);
        strip = new bool[checked((int)(Math.Min(StripRows, height) * width))];
    }

    /// <summary>Opens the mask of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How the image is opened: resolution, crop, what means no data, and whether that counts.</param>
    /// <param name="foreground">
    /// Not 0 where the image is looked at, of its size as it is opened; stays the caller's. Null for everywhere.
    /// </param>
    /// <returns>
    /// The mask; null where all is looked at, and nothing means no data or such pixels are values like any other.
    /// </returns>
    /// <exception cref="ImageFormatException">The file cannot be read so.</exception>
    public static NoDataMask? Open(string path, ImageOptions options, IImageSource? foreground = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        var hasNone = options.NoData == NoDataHandling.Fill && (options.NoDataValue ?? ImageInfo.Read(path, options).NoData) is not null;
        if (!hasNone && foreground is null)
            return null;
        return new(hasNone ? ImageSource.Open(path, options with { NoDataFill = [float.NaN] }) : null, foreground);
    }

    /// <summary>Whether each position of a row has no data.</summary>
    /// <param name="row">The row, from 0; quickest in their order.</param>
    public ReadOnlySpan<bool> Row(long row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)row, (ulong)height, nameof(row));
        if (top < 0 || row < top || row >= top + StripRows)
            Fill(row / StripRows * StripRows);
        return strip.AsSpan((int)((row - top) * width), (int)width);
    }

    /// <inheritdoc/>
    public void Dispose() => image?.Dispose();

    private void Fill(long from)
    {
        var rows = Math.Min(StripRows, height - from);
        for (long left = 0; left < width; left += WindowWidth)
        {
            using var scope = NewDisposeScope();
            var columns = Math.Min(WindowWidth, width - left);
            var missing = Missing(from, left, rows, columns).contiguous().bytes;
            for (var y = 0; y < rows; y++)
            {
                for (var x = 0; x < columns; x++)
                    strip[(y * width) + left + x] = missing[(int)((y * columns) + x)] != 0;
            }
        }

        top = from;
    }

    private Tensor Missing(long from, long left, long rows, long columns)
    {
        var without = image?.Read(from, left, rows, columns).isnan().all(1);
        var unseen = foreground?.Read(from, left, rows, columns).to(ScalarType.Bool).logical_not().any(1);
        return without is null ? unseen! : unseen is null ? without : without.logical_or(unseen);
    }
}
