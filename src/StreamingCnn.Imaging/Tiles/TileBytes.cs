using NetVips;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>Pixels of a tile as the bytes of a file.</summary>
internal static class TileBytes
{
    // Hardly to be told from the image by eye, at a sixth of its bytes.
    private const int Quality = 90;
    private const int Compression = 2;

    /// <summary>Pixels of one or three bytes as JPEG.</summary>
    public static byte[] Jpeg(byte[] pixels, ImageRegion region, int channels)
    {
        using var image = Of(pixels, region, channels);
        return image.JpegsaveBuffer(q: Quality, optimizeCoding: false);
    }

    /// <summary>Red, green, blue and opacity as PNG.</summary>
    public static byte[] Png(byte[] pixels, ImageRegion region)
    {
        using var image = Of(pixels, region, 4);
        return image.PngsaveBuffer(compression: Compression);
    }

    private static Image Of(byte[] pixels, ImageRegion region, int channels)
    {
        using var loaded = Image.NewFromMemoryCopy(pixels, (int)region.Width, (int)region.Height, channels, Enums.BandFormat.Uchar);
        return loaded.Copy(interpretation: channels == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb);
    }
}
