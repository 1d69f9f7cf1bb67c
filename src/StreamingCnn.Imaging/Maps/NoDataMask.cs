using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// Where an image has no data, row by row, as it is opened: of a pixel no band has. Of the mask a strip is held, of the image a window.
/// </summary>
public sealed class NoDataMask : IDisposable
{
    private const long StripRows = 256;
    private const long WindowWidth = 1024;

    private readonly IImageSource image;
    private readonly bool[] strip;
    private long top = -1;

    private NoDataMask(IImageSource image)
    {
        this.image = image;
        strip = new bool[checked((int)(Math.Min(StripRows, image.Height) * image.Width))];
    }

    /// <summary>Opens the mask of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How the image is opened: resolution, crop, what means no data, and whether that counts.</param>
    /// <returns>The mask; null where nothing means no data, or such pixels are values like any other.</returns>
    /// <exception cref="ImageFormatException">The file cannot be read so.</exception>
    public static NoDataMask? Open(string path, ImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        if (options.NoData != NoDataHandling.Fill || (options.NoDataValue ?? ImageInfo.Read(path, options).NoData) is null)
            return null;
        return new(ImageSource.Open(path, options with { NoDataFill = [float.NaN] }));
    }

    /// <summary>Whether each position of a row has no data.</summary>
    /// <param name="row">The row, from 0; quickest in their order.</param>
    public ReadOnlySpan<bool> Row(long row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)row, (ulong)image.Height, nameof(row));
        if (top < 0 || row < top || row >= top + StripRows)
            Fill(row / StripRows * StripRows);
        return strip.AsSpan((int)((row - top) * image.Width), (int)image.Width);
    }

    /// <inheritdoc/>
    public void Dispose() => image.Dispose();

    private void Fill(long from)
    {
        var rows = Math.Min(StripRows, image.Height - from);
        for (long left = 0; left < image.Width; left += WindowWidth)
        {
            using var scope = NewDisposeScope();
            var width = Math.Min(WindowWidth, image.Width - left);
            var missing = image.Read(from, left, rows, width).isnan().all(1).contiguous().bytes;
            for (var y = 0; y < rows; y++)
            {
                for (var x = 0; x < width; x++)
                    strip[(y * image.Width) + left + x] = missing[(int)((y * width) + x)] != 0;
            }
        }

        top = from;
    }
}
