using System.Buffers.Binary;
using System.Globalization;

namespace StreamingCnn.Imaging.Maps;

/// <summary>One image of a TIFF file in tiles that are packed with Deflate, and what says so in the file.</summary>
/// <param name="Image">What is said of the map, of its first level.</param>
/// <param name="Height">Rows of this level.</param>
/// <param name="Width">Columns.</param>
/// <param name="Side">Height and width of a tile.</param>
/// <param name="IsReduced">Whether it is a smaller version of another image of the file.</param>
/// <param name="Offsets">Where each tile begins.</param>
/// <param name="Lengths">How many bytes each has.</param>
internal sealed record TiffPage(
    MapImage Image, long Height, long Width, int Side, bool IsReduced, IReadOnlyList<long> Offsets, IReadOnlyList<long> Lengths)
{
    /// <summary>Bytes of the header of either form, behind which the first tile stands.</summary>
    public const int HeaderBytes = 16;

    private const int MostColours = 256;
    private const int DepthOfColours = 257;

    /// <summary>The first bytes of a file.</summary>
    /// <param name="firstDirectory">Where the first image is described.</param>
    /// <param name="isBig">Whether it is a BigTIFF.</param>
    public static byte[] FileHeader(long firstDirectory, bool isBig)
    {
        var header = new byte[HeaderBytes];
        "II"u8.CopyTo(header);
        header[2] = (byte)(isBig ? 43 : 42);
        if (isBig)
        {
            header[4] = sizeof(long);
            BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(8), firstDirectory);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), (uint)firstDirectory);
        }

        return header;
    }

    /// <summary>Describes the image.</summary>
    /// <param name="place">Where in the file the description will stand, an even number.</param>
    /// <param name="isLast">Whether no other follows it.</param>
    /// <param name="isBig">Whether it is a BigTIFF.</param>
    public byte[] Directory(long place, bool isLast, bool isBig)
    {
        var fields = Fields(isBig).ToArray();
        var (word, entry, count) = isBig ? (sizeof(long), 20, sizeof(long)) : (sizeof(uint), 12, sizeof(ushort));
        var start = Padded(count + (fields.Length * entry) + word);
        var bytes = new byte[start + fields.Sum(field => field.Data.Length > word ? Padded(field.Data.Length) : 0)];
        var (at, free) = (count, start);
        Put(bytes.AsSpan(0, count), fields.Length);
        foreach (var field in fields)
        {
            Put(bytes.AsSpan(at, 2), field.Tag);
            Put(bytes.AsSpan(at + 2, 2), field.Type);
            Put(bytes.AsSpan(at + 4, word), field.Count);
            if (field.Data.Length > word)
            {
                Put(bytes.AsSpan(at + 4 + word, word), place + free);
                field.Data.CopyTo(bytes, free);
                free += Padded(field.Data.Length);
            }
            else
            {
                field.Data.CopyTo(bytes, at + 4 + word);
            }

            at += entry;
        }

        Put(bytes.AsSpan(at, word), isLast ? 0 : place + bytes.Length);
        return bytes;
    }

    // In the order of their numbers, which the format asks for.
    private IEnumerable<TiffField> Fields(bool isBig)
    {
        var isPalette = Image.Classes is not null;
        yield return TiffField.Long(254, IsReduced ? 1 : 0);
        yield return TiffField.Long(256, Width);
        yield return TiffField.Long(257, Height);
        yield return TiffField.Shorts(258, Each(8 * Image.SampleBytes));
        yield return TiffField.Shorts(259, 8); // Deflate
        yield return TiffField.Shorts(262, isPalette ? 3 : 1); // more is brighter, or a table of colours
        if (Image.Description.Length > 0 && !IsReduced)
            yield return TiffField.Text(270, Image.Description);
        yield return TiffField.Shorts(277, Image.Channels);
        var across = TiffField.PerCentimetre(282, Image.MicrometresAcross * Image.Width / Width);
        var down = TiffField.PerCentimetre(283, (Image.MicrometresDown ?? Image.MicrometresAcross) * Image.Height / Height);
        if (across is { } x && down is { } y)
        {
            yield return x;
            yield return y;
        }

        yield return TiffField.Shorts(284, 1); // channels side by side
        if (across is not null && down is not null)
            yield return TiffField.Shorts(296, 3); // pixels per centimetre
        if (isPalette)
            yield return TiffField.Shorts(320, Colours());
        yield return TiffField.Long(322, Side);
        yield return TiffField.Long(323, Side);
        yield return TiffField.Places(324, Offsets, isBig);
        yield return TiffField.Places(325, Lengths, isBig);
        if (Image.Channels > 1)
            yield return TiffField.Shorts(338, [.. Enumerable.Repeat(0L, Image.Channels - 1)]); // further channels, of no known meaning
        yield return TiffField.Shorts(339, Each(Image.Samples == MapSamples.Float32 ? 3 : 1));
        foreach (var field in IsReduced || Image.GeoReference is not { } place ? [] : Fields(place))
            yield return field;
        if (!IsReduced && Image.ChannelNames.Count > 0)
            yield return TiffField.Text(42112, GdalMetadata.Of(Image.ChannelNames));
        if (Image.NoData is { } missing)
            yield return TiffField.Text(42113, double.IsNaN(missing) ? "nan" : missing.ToString("R", CultureInfo.InvariantCulture));
    }

    private static IEnumerable<TiffField> Fields(GeoReference place)
    {
        if (place.PixelScale.Count > 0)
            yield return TiffField.Doubles(33550, place.PixelScale);
        if (place.Tiepoints.Count > 0)
            yield return TiffField.Doubles(33922, place.Tiepoints);
        if (place.Transformation.Count > 0)
            yield return TiffField.Doubles(34264, place.Transformation);
        if (place.Keys.Count > 0)
            yield return TiffField.Shorts(34735, place.Keys);
        if (place.Doubles.Count > 0)
            yield return TiffField.Doubles(34736, place.Doubles);
        if (place.Texts.Length > 0)
            yield return TiffField.Text(34737, place.Texts);
    }

    /// <summary>Red of all numbers, then green, then blue.</summary>
    private long[] Colours()
    {
        var colours = new long[3 * MostColours];
        foreach (var (number, known) in Image.Classes!.Index())
        {
            foreach (var (part, value) in new[] { known.Red, known.Green, known.Blue }.Index())
                colours[(part * MostColours) + number] = value * DepthOfColours;
        }

        // As white as paper: nothing is there.
        if (Image.NoData is >= 0 and < MostColours and var missing)
        {
            for (var part = 0; part < 3; part++)
                colours[(part * MostColours) + (int)missing] = byte.MaxValue * DepthOfColours;
        }

        return colours;
    }

    private long[] Each(long value) => [.. Enumerable.Repeat(value, Image.Channels)];

    private static int Padded(int size) => (size + 7) / 8 * 8;

    private static void Put(Span<byte> target, long value)
    {
        switch (target.Length)
        {
            case sizeof(ushort):
                BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)value);
                break;
            case sizeof(uint):
                BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)value);
                break;
            default:
                BinaryPrimitives.WriteInt64LittleEndian(target, value);
                break;
        }
    }
}
