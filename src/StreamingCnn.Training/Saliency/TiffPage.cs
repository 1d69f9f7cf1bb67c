using System.Buffers.Binary;

namespace StreamingCnn.Training.Saliency;

/// <summary>One image of a BigTIFF file of float32 in tiles that are packed with Deflate, and what says so in the file.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">Numbers of a pixel, side by side.</param>
/// <param name="Side">Height and width of a tile.</param>
/// <param name="IsReduced">Whether it is a smaller version of another image of the file.</param>
/// <param name="Offsets">Where each tile begins.</param>
/// <param name="Lengths">How many bytes each has.</param>
/// <param name="MicrometresPerPixel">Resolution; null when it is not known.</param>
internal sealed record TiffPage(long Height, long Width, int Channels, int Side, bool IsReduced, List<long> Offsets, List<long> Lengths, double? MicrometresPerPixel)
{
    private const int EntryBytes = 20;
    private const uint Denominator = 1000;

    private enum FieldType : ushort
    {
        Short = 3,
        Long = 4,
        Rational = 5,
        Long8 = 16,
    }

    /// <summary>The first bytes of a file.</summary>
    /// <param name="firstDirectory">Where the first image is described.</param>
    public static byte[] FileHeader(long firstDirectory)
    {
        var header = new byte[16];
        "II"u8.CopyTo(header);
        header[2] = 43;
        header[4] = sizeof(long);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(8), firstDirectory);
        return header;
    }

    /// <summary>Describes the image.</summary>
    /// <param name="place">Where in the file the description will stand.</param>
    /// <param name="isLast">Whether no other follows it.</param>
    public byte[] Directory(long place, bool isLast)
    {
        var entries = Entries().Where(entry => entry.Values.Length > 0).ToArray();
        var start = sizeof(long) + (entries.Length * EntryBytes) + sizeof(long);
        var bytes = new byte[start + entries.Sum(entry => Size(entry) > sizeof(long) ? Padded(Size(entry)) : 0)];
        var (at, free) = (sizeof(long), start);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, entries.Length);
        foreach (var entry in entries)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), entry.Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at + 2), (ushort)entry.Type);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 4), entry.Values.Length);
            if (Size(entry) > sizeof(long))
            {
                BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 12), place + free);
                Put(bytes.AsSpan(free), entry);
                free += Padded(Size(entry));
            }
            else
            {
                Put(bytes.AsSpan(at + 12), entry);
            }

            at += EntryBytes;
        }

        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), isLast ? 0 : place + bytes.Length);
        return bytes;
    }

    // In the order of their numbers, which the format asks for. A rational is one number here, its lower half on top.
    private IEnumerable<(ushort Tag, FieldType Type, long[] Values)> Entries() =>
    [
        (254, FieldType.Long, [IsReduced ? 1 : 0]),
        (256, FieldType.Long, [Width]),
        (257, FieldType.Long, [Height]),
        (258, FieldType.Short, Each(8 * sizeof(float))),
        (259, FieldType.Short, [8]), // Deflate
        (262, FieldType.Short, [1]), // more is brighter
        (277, FieldType.Short, [Channels]),
        (282, FieldType.Rational, Resolution()),
        (283, FieldType.Rational, Resolution()),
        (284, FieldType.Short, [1]), // channels side by side
        (296, FieldType.Short, MicrometresPerPixel is null ? [] : [3]), // pixels per centimetre
        (322, FieldType.Long, [Side]),
        (323, FieldType.Long, [Side]),
        (324, FieldType.Long8, [.. Offsets]),
        (325, FieldType.Long8, [.. Lengths]),
        (338, FieldType.Short, [.. Enumerable.Repeat(0L, Channels - 1)]), // further channels, of no known meaning
        (339, FieldType.Short, Each(3)), // floating point
    ];

    private long[] Each(long value) => [.. Enumerable.Repeat(value, Channels)];

    private long[] Resolution() => MicrometresPerPixel is { } size && 10_000 / size * Denominator is >= 1 and <= uint.MaxValue and var thousandths
        ? [((long)Denominator << 32) | (uint)Math.Round(thousandths)]
        : [];

    private static int Size((ushort Tag, FieldType Type, long[] Values) entry) => entry.Values.Length * Size(entry.Type);

    private static int Size(FieldType type) => type switch { FieldType.Short => 2, FieldType.Long => 4, _ => 8 };

    private static int Padded(int size) => (size + 7) / 8 * 8;

    private static void Put(Span<byte> target, (ushort Tag, FieldType Type, long[] Values) entry)
    {
        var size = Size(entry.Type);
        foreach (var (i, value) in entry.Values.Index())
        {
            var place = target[(i * size)..];
            if (size == 2)
                BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)value);
            else if (size == 4)
                BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)value);
            else
                BinaryPrimitives.WriteInt64LittleEndian(place, value);
        }
    }
}
