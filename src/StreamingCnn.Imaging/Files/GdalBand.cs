using System.Globalization;
using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>A band of an image that GDAL reads.</summary>
/// <param name="Type">The number of its type of samples.</param>
/// <param name="Bits">Bits of a sample, fewer than those of its type where the file says so.</param>
/// <param name="Colour">What it is of, by GDAL's number.</param>
/// <param name="Name">What it is called; null where nothing is said.</param>
/// <param name="NoData">The value that means that there are no data; null where none is declared.</param>
internal sealed record GdalBand(int Type, int Bits, int Colour, string? Name, double? NoData)
{
    /// <summary>GDAL's numbers of colours: grey, red, alpha, cyan.</summary>
    public const int Grey = 1;

    /// <inheritdoc cref="Grey"/>
    public const int Red = 3;

    /// <inheritdoc cref="Grey"/>
    public const int Cyan = 10;

    private const int Undefined = 0;
    private const int Alpha = 6;

    /// <summary>Red, green and blue of each place of a table of colours, or grey alone; null where samples are no places.</summary>
    public byte[]? Palette { get; private init; }

    /// <summary>Bytes of a colour of the table.</summary>
    public int PaletteBands => Palette!.Length >> 8;

    /// <summary>Whether it says how opaque pixels are.</summary>
    public bool IsAlpha => Colour == Alpha;

    /// <summary>Whether samples are integers with a sign: int16, int32, int8.</summary>
    public bool IsSigned => Type is 3 or 5 or 14;

    /// <summary>The largest sample, of whole numbers of up to 16 bits without a sign; null for others.</summary>
    public int? Largest => Type is GdalNative.Bytes or GdalNative.Words ? (1 << Bits) - 1 : null;

    /// <summary>What GDAL says of a band.</summary>
    /// <param name="image">The image.</param>
    /// <param name="number">From 1.</param>
    public static GdalBand Of(GdalHandle image, int number)
    {
        var band = GdalNative.GDALGetRasterBand(image.Data, number);
        var type = GdalNative.GDALGetRasterDataType(band);
        var full = type switch { GdalNative.Bytes or 14 => 8, GdalNative.Words or 3 => 16, _ => 32 };
        var bits = int.TryParse(
            GdalHandle.Entry(band, "NBITS", "IMAGE_STRUCTURE"), NumberStyles.None, CultureInfo.InvariantCulture, out var stated)
            && stated > 0 && stated < full ? stated : full;
        var colour = GdalNative.GDALGetRasterColorInterpretation(band);
        var value = GdalNative.GDALGetRasterNoDataValue(band, out var isDeclared);
        var description = Marshal.PtrToStringUTF8(GdalNative.GDALGetDescription(band));
        var name = !string.IsNullOrWhiteSpace(description) ? description
            : colour is Undefined or Grey ? null
            : Marshal.PtrToStringUTF8(GdalNative.GDALGetColorInterpretationName(colour));
        return new(type, bits, colour, name, isDeclared != 0 ? value : null)
        {
            Palette = type == GdalNative.Bytes && GdalNative.GDALGetRasterColorTable(band) is var table && table != nint.Zero
                ? Colours(table) : null,
        };
    }

    private static unsafe byte[] Colours(nint table)
    {
        var count = Math.Min(GdalNative.GDALGetColorEntryCount(table), 256);
        var colours = new byte[3 * 256];
        for (var place = 0; place < count; place++)
        {
            var entry = GdalNative.GDALGetColorEntry(table, place);
            for (var band = 0; band < 3; band++)
                colours[(3 * place) + band] = (byte)Math.Clamp(entry[band], (short)0, (short)255);
        }

        return colours.Chunk(3).All(one => one[0] == one[1] && one[0] == one[2]) ? [.. colours.Chunk(3).Select(one => one[0])] : colours;
    }
}
