using TorchSharp;

namespace StreamingCnn.Imaging;

/// <summary>Finds files that cannot be read before somebody relies on them.</summary>
public static class ImageCheck
{
    /// <summary>Tiled images of up to so many pixels are read through by every check; that takes no longer than decoding a photograph.</summary>
    public const long SmallPixels = 25_000_000;

    private const long Side = 2048;

    // Of a large image 3 x 3 places are looked at: enough for a codec that is missing or a file that holds nothing, and a moment's work.
    private const int Places = 3;

    /// <summary>Opens an image and reads from it.</summary>
    /// <param name="path">
    /// The file. Photographs and other images without tiles are decoded whole, small tiled ones as well. Of large tiled images the structure is checked and a few tiles are decoded.
    /// </param>
    /// <param name="everyPixel">Decode every tile of level 0, however many there are.</param>
    /// <exception cref="ImageFormatException">The file cannot be read; the message is one sentence.</exception>
    public static void Read(string path, bool everyPixel = false)
    {
        using var source = ImageSource.Open(path);
        if (ImageInfo.Read(path).Tile is null)
            return;
        if (everyPixel || source.Height * source.Width <= SmallPixels)
        {
            for (long top = 0; top < source.Height; top += Side)
            {
                for (long left = 0; left < source.Width; left += Side)
                    source.Read(top, left, Math.Min(Side, source.Height - top), Math.Min(Side, source.Width - left)).Dispose();
            }

            return;
        }

        for (var row = 0; row < Places; row++)
        {
            for (var column = 0; column < Places; column++)
                source.Read((source.Height - 1) * row / (Places - 1), (source.Width - 1) * column / (Places - 1), 1, 1).Dispose();
        }
    }
}
