using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Finds files that cannot be read before somebody relies on them.</summary>
public static class ImageCheck
{
    /// <summary>
    /// Tiled images of up to so many pixels are read through by every check; that takes no longer than decoding a photograph.
    /// </summary>
    public const long SmallPixels = 25_000_000;

    private const long Side = 2048;

    // Of a large image 3 x 3 places are looked at: enough for a codec that is missing or a file that holds nothing, and a moment's work.
    private const int Places = 3;

    /// <summary>Opens an image and reads from it.</summary>
    /// <param name="path">
    /// The file. Photographs and other images without tiles are decoded whole, small tiled ones as well. Of large tiled images the
    /// structure is checked and a few tiles are decoded.
    /// </param>
    /// <param name="everyPixel">Decode every tile of level 0, however many there are.</param>
    /// <param name="finite">
    /// Refuse values that are not finite numbers as well. Images of floating-point numbers are read whole for it;
    /// others can hold none.
    /// </param>
    /// <param name="options">What the file means: its page and so on; null for the defaults.</param>
    /// <exception cref="ImageFormatException">The file cannot be read; the message is one sentence.</exception>
    public static void Read(string path, bool everyPixel = false, bool finite = false, ImageOptions? options = null)
    {
        options ??= new ImageOptions();
        var container = ImageContainer.Find(path, options);
        var info = container.Info;
        using var source = ImageSource.Open(container, options);
        var numbers = finite && info.FloatingPoint;
        if (info.Tile is null && !numbers)
            return;
        if (everyPixel || numbers || source.Height * source.Width <= SmallPixels)
        {
            for (long top = 0; top < source.Height; top += Side)
            {
                for (long left = 0; left < source.Width; left += Side)
                {
                    using var window = source.Read(top, left, Math.Min(Side, source.Height - top), Math.Min(Side, source.Width - left));
                    if (numbers)
                        RefuseNotFinite(path, window, top, left);
                }
            }

            return;
        }

        for (var row = 0; row < Places; row++)
        {
            for (var column = 0; column < Places; column++)
                source.Read((source.Height - 1) * row / (Places - 1), (source.Width - 1) * column / (Places - 1), 1, 1).Dispose();
        }
    }

    private static void RefuseNotFinite(string path, Tensor window, long top, long left)
    {
        using var scope = NewDisposeScope();
        if (!window.isfinite().all().item<bool>())
            throw new ImageFormatException(
                path, $"it holds values that are not finite numbers, near row {top} and column {left}; repair it or leave it out.");
    }
}
