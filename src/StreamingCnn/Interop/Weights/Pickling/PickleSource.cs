using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>
/// The bytes of a pickle, and the ways in which numbers and strings are written in them. Never allocates more than the stream still holds.
/// </summary>
internal sealed class PickleSource(Stream stream)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The next byte.</summary>
    public byte Byte()
    {
        var next = stream.ReadByte();
        return next >= 0 ? (byte)next : throw new PickleException("its pickle ends too early");
    }

    /// <summary>An unsigned number of 2 bytes.</summary>
    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    /// <summary>A signed number of 4 bytes.</summary>
    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    /// <summary>An unsigned number of 4 bytes.</summary>
    public long UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    /// <summary>An unsigned number of 8 bytes; what does not fit a signed one is far beyond any length.</summary>
    public long UInt64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8)) is >= 0 and var value
        ? value
        : throw new PickleException("its pickle names an absurd length");

    /// <summary>A floating-point number of 8 bytes, the only thing that pickles write big-endian.</summary>
    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8));

    /// <summary>The next <paramref name="count"/> bytes.</summary>
    public byte[] Bytes(long count)
    {
        if (count < 0 || count > Array.MaxLength || count > stream.Length - stream.Position)
            throw new PickleException("its pickle ends too early");
        var bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Text in UTF-8. Python lets half of a surrogate pair through; no name of a weight has one.</summary>
    public string Text(long bytes)
    {
        try
        {
            return Utf8.GetString(Bytes(bytes));
        }
        catch (DecoderFallbackException)
        {
            throw new PickleException("its pickle holds text that is not UTF-8");
        }
    }

    /// <summary>A string of Python 2, whose encoding is not known.</summary>
    public string Latin1(long bytes) => Encoding.Latin1.GetString(Bytes(bytes));

    /// <summary>The text up to the next line feed, as protocol 0 writes everything.</summary>
    public string Line()
    {
        var line = new List<byte>();
        for (var next = Byte(); next != '\n'; next = Byte())
            line.Add(next);
        return Encoding.Latin1.GetString([.. line]);
    }
}
