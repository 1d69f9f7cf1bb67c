namespace StreamingCnn.Imaging;

/// <summary>
/// Luma and chroma of a TIFF block that is not compressed with JPEG, as red, green and blue (TIFF 6.0, sections 20 and 21).
/// </summary>
internal static class TiffChroma
{
    /// <summary>Bytes of a row of data units: of all samples that lie in as many rows of pixels as share their chroma.</summary>
    public static int UnitRowBytes(TiffDirectory image, int width)
    {
        var (across, down) = image.ChromaSubsampling;
        return (width + across - 1) / across * ((across * down) + 2);
    }

    /// <summary>Colours of a block, pixel by pixel.</summary>
    /// <param name="block">Data units: the luma of the pixels that share their chroma, then the chroma.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="image">How the image is stored.</param>
    public static byte[] ToColours(ReadOnlySpan<byte> block, int width, int height, TiffDirectory image)
    {
        var (across, down) = image.ChromaSubsampling;
        var (unit, unitRow) = ((across * down) + 2, UnitRowBytes(image, width));
        var (red, green, blue) = image.LumaWeights is [var r, var g, var b] ? (r, g, b) : (0.299, 0.587, 0.114);
        var range = image.ReferenceBlackWhite.Count == 6 ? image.ReferenceBlackWhite : [0, 255, 128, 255, 128, 255];
        var colours = new byte[width * height * 3];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var data = block.Slice((y / down * unitRow) + (x / across * unit), unit);
                var luma = Scale(data[(y % down * across) + (x % across)], range[0], range[1], 255);
                var (cb, cr) = (Scale(data[unit - 2], range[2], range[3], 127), Scale(data[unit - 1], range[4], range[5], 127));
                var (full, strong) = (luma + (cr * (2 - (2 * red))), luma + (cb * (2 - (2 * blue))));
                var at = ((y * width) + x) * 3;
                colours[at] = Round(full);
                colours[at + 1] = Round((luma - (blue * strong) - (red * full)) / green);
                colours[at + 2] = Round(strong);
            }
        }

        return colours;
    }

    private static double Scale(byte code, double black, double white, double range) => (code - black) * range / (white - black);

    private static byte Round(double value) => (byte)Math.Clamp(Math.Round(value), 0, 255);
}
