using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Imaging.Maps;

/// <summary>A field of a TIFF directory.</summary>
/// <param name="Tag">Its number.</param>
/// <param name="Type">Type of its values, by the format's number.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Data">Their bytes, the lowest first.</param>
internal readonly record struct TiffField(ushort Tag, ushort Type, long Count, byte[] Data)
{
    private const uint Denominator = 1000;

    public static TiffField Shorts(ushort tag, params IReadOnlyList<long> values) =>
        new(tag, 3, values.Count, [.. values.SelectMany(value => BitConverter.GetBytes((ushort)value))]);

    public static TiffField Long(ushort tag, long value) => new(tag, 4, 1, BitConverter.GetBytes((uint)value));

    /// <summary>Places in the file, or lengths: of 8 bytes in a BigTIFF, else of 4.</summary>
    public static TiffField Places(ushort tag, IReadOnlyCollection<long> values, bool isBig)
    {
        var size = isBig ? sizeof(long) : sizeof(uint);
        var data = new byte[values.Count * size];
        foreach (var (i, value) in values.Index())
        {
            if (isBig)
                BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(i * size), value);
            else
                BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(i * size), (uint)value);
        }

        return new(tag, (ushort)(isBig ? 16 : 4), values.Count, data);
    }

    public static TiffField Doubles(ushort tag, IReadOnlyCollection<double> values) =>
        new(tag, 12, values.Count, [.. values.SelectMany(BitConverter.GetBytes)]);

    /// <summary>A text, with the zero that ends it.</summary>
    public static TiffField Text(ushort tag, string text)
    {
        byte[] data = [.. Encoding.UTF8.GetBytes(text), 0];
        return new(tag, 2, data.Length, data);
    }

    /// <summary>Pixels per centimetre, in thousandths; null where that is no number of the format's.</summary>
    public static TiffField? PerCentimetre(ushort tag, double? micrometres) =>
        10_000 / micrometres * Denominator is >= 1 and <= uint.MaxValue and var thousandths
            ? new(tag, 5, 1, [.. BitConverter.GetBytes((uint)Math.Round(thousandths)), .. BitConverter.GetBytes(Denominator)])
            : null;
}
