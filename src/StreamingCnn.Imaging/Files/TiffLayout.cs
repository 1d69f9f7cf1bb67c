namespace StreamingCnn.Imaging;

/// <summary>Which decoder reads a TIFF image, decided from its header alone.</summary>
/// <remarks>
/// libvips is asked for what it is known to read rightly, and quickly. What it refuses, or decodes to wrong pixels without a word, is
/// read block by block instead, or refused here by name.
/// </remarks>
internal static class TiffLayout
{
    private const int Uncompressed = 1;
    private const int Lzw = 5;
    private const int OldJpeg = 6;
    public const int Jpeg = 7;
    private const int Deflate = 8;
    private const int OldDeflate = 32946;
    private const int PackBits = 32773;

    // Colours that are no red, green and blue: CIELAB, and high dynamic range by Greg Ward's codes.
    private const int Lab = 8;
    private const int LogL = 32844;
    private const int LogLuv = 32845;

    private const int Unsigned = 1;
    private const int Signed = 2;
    private const int Real = 3;
    private const int Undefined = 4;

    private const int MostBands = 10_000;

    private const string Conversion = "convert it with 'gdal_translate -co TILED=YES -co INTERLEAVE=PIXEL -co COMPRESS=DEFLATE IN OUT.tif'";

    /// <summary>Whether libvips decodes the image rightly.</summary>
    public static bool SuitsVips(TiffDirectory image) =>
        image is { Planar: false, MixedSamples: false, Photometric: not null, SamplesPerPixel: <= MostBands }
        && !image.BlockLengths.Contains(0)
        && TilesSuitVips(image) && SamplesSuitVips(image) && CompressionSuitsVips(image);

    /// <summary>What the reader of blocks cannot read in an image, and what to do, or null where it reads all.</summary>
    public static string? Refusal(TiffDirectory image)
    {
        var what = Compression(image) ?? Colours(image) ?? Samples(image)
            ?? (image.LengthsStated ? null : "it does not say how long its tiles or strips are");
        return what is null ? null : $"{what}; {Conversion}.";
    }

    /// <summary>Whether a block is packed as bytes in their order, whatever they mean, and not as a picture.</summary>
    public static bool PacksBytes(TiffDirectory image) =>
        image.Compression is Uncompressed or Lzw or Deflate or OldDeflate or PackBits;

    /// <summary>Whether a block is packed as a fax: two colours, black and white.</summary>
    public static bool IsFax(TiffDirectory image) => image.Compression is 2 or 3 or 4;

    private static bool TilesSuitVips(TiffDirectory image)
    {
        if (!image.Tiled)
            return true;
        // libvips' own bounds, and that of the buffer in which it keeps a packed tile.
        var largest = Math.Min(8192, (((2 * Math.Max(image.Width, image.Height)) + 255) / 256) * 256);
        var bytes = image.TileWidth * image.TileHeight * image.SamplesPerPixel * image.BitsPerSample / 8;
        return image.TileWidth % 16 == 0 && image.TileHeight % 16 == 0 && image.TileWidth <= largest && image.TileHeight <= largest
            && bytes <= 100_000_000 && (image.Compression != Jpeg || image.BlockLengths.All(length => length <= 2 * bytes));
    }

    private static bool SamplesSuitVips(TiffDirectory image) => (image.Photometric, image.SampleFormat, image.BitsPerSample) switch
    {
        (0 or 1, Unsigned, 1 or 2 or 4) => image.SamplesPerPixel == 1,
        (3, Unsigned, 1 or 2 or 4 or 8) => image.SamplesPerPixel == 1,
        // Luma and chroma in samples of their own: libvips takes them for red, green and blue unless JPEG has turned them into those.
        (6, Unsigned, 8) => image.Compression is Jpeg or OldJpeg && image.SamplesPerPixel == 3,
        (Lab, _, 8 or 16) or (Lab, Real, 32) => image.SamplesPerPixel >= 3,
        (LogLuv, _, _) => image.Compression is 34676 or 34677,
        (not (3 or 6 or LogL), Unsigned or Signed, 8 or 16 or 32) => true,
        (not (3 or 6 or LogL), Real, 16 or 32) => true,
        _ => false,
    };

    private static bool CompressionSuitsVips(TiffDirectory image) => image.Compression switch
    {
        // libvips decodes JPEG tiles by itself, in the colours that it expects of grey and of colour images. Of strips it does not say
        // when they are damaged, nor of faxes.
        Jpeg => image is { Tiled: true, BitsPerSample: 8 } && (image.Photometric, image.SamplesPerPixel) is (1, 1) or (2 or 6, 3),
        2 or 3 or 4 => false,
        _ => !IsJpeg2000(image),
    };

    private static bool IsJpeg2000(TiffDirectory image) => image.Compression is 33003 or 33004 or 33005 or 34712;

    private static string? Compression(TiffDirectory image)
    {
        var (bands, bits, blocks) = (image.SamplesPerPixel, image.BitsPerSample, image.Tiled ? "tiles" : "strips");
        if (IsJpeg2000(image))
            return "it is compressed with JPEG 2000, which only OpenSlide reads here, in slides of Aperio";
        if (image.Compression is 34925 or 50000)
            return $"it is compressed with {(image.Compression == 50000 ? "Zstandard" : "LZMA")}, which is not read";
        if (!PacksBytes(image) && !IsFax(image) && image.Compression != Jpeg)
            return $"its combination of compression {image.Compression}, {bands} band(s) of {bits} bits and its layout is not read";
        if (IsFax(image) && (bits != 1 || (bands > 1 && !image.Planar)))
            return $"its {bands} band(s) of {bits} bits are compressed as a fax, which has one of 1 bit";
        if (image.Compression == Jpeg && (bits != 8 || image.SampleFormat != Unsigned))
            return $"its JPEG {blocks} have samples of {bits} bits, and those of 8 are read";
        if (image.Compression == Jpeg && bands > 4 && !image.Planar)
            return $"its JPEG {blocks} have {bands} bands, and up to 4 are read";
        if (image.Compression == Jpeg && image.Photometric is null && bands > 1)
            return "its JPEG data does not say what its bands mean (it has no photometric tag)";
        return image.Predictor switch
        {
            1 => null,
            _ when !PacksBytes(image) || image.Compression is Uncompressed or PackBits => null,
            2 when bits is 8 or 16 or 32 or 64 => null,
            3 when image.SampleFormat == Real && bits is 16 or 24 or 32 or 64 => null,
            _ => $"its samples of {bits} bits are stored as differences of kind {image.Predictor}, which is not read",
        };
    }

    private static string? Colours(TiffDirectory image) => image.Photometric switch
    {
        null or not (3 or 6 or Lab or LogL or LogLuv) => null,
        3 when image is { SamplesPerPixel: 1, BitsPerSample: <= 8, SampleFormat: Unsigned }
            && image.Palette.Count >= 3 << image.BitsPerSample && !IsFax(image) => null,
        6 when image.Compression == Jpeg && image.SamplesPerPixel == 3 && !image.Planar => null,
        6 when image.SamplesPerPixel == 3 && image.BitsPerSample == 8 && !image.Planar && image.Predictor == 1
            && image.ChromaSubsampling is (1 or 2 or 4, 1 or 2 or 4) => null,
        _ => $"its colours of kind {image.Photometric} in {image.SamplesPerPixel} band(s) of {image.BitsPerSample} bits are not read "
            + "in this layout",
    };

    private static string? Samples(TiffDirectory image)
    {
        if (image.MixedSamples)
            return "its bands differ in their bits or their kind of number";
        if (image.SamplesPerPixel is <= 0 or > MostBands)
            return $"it claims {image.SamplesPerPixel} bands, and up to {MostBands} are read";
        var known = image.SampleFormat switch
        {
            Unsigned or Undefined => image.BitsPerSample is >= 1 and <= 16 or 24 or 32 or 64,
            Signed => image.BitsPerSample is 8 or 16 or 32 or 64,
            Real => image.BitsPerSample is 16 or 24 or 32 or 64,
            _ => false,
        };
        return known ? null : $"its samples of {image.BitsPerSample} bits and of kind {image.SampleFormat} "
            + "(1 unsigned, 2 signed, 3 floating point, 5 and 6 complex) are not read";
    }
}
