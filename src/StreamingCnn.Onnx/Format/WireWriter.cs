using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Onnx.Format;

/// <summary>Writes the fields of a protobuf message to a stream. Messages within it are written twice: once to count their bytes.</summary>
/// <param name="output">Where to.</param>
internal sealed class WireWriter(Stream output)
{
    /// <summary>A whole number.</summary>
    public void Integer(int field, long value)
    {
        Key(field, WireType.Varint);
        Varint((ulong)value);
    }

    /// <summary>A float32.</summary>
    public void Single(int field, float value)
    {
        Key(field, WireType.Fixed32);
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        output.Write(bytes);
    }

    /// <summary>Text; nothing where it is empty.</summary>
    public void Text(int field, string value)
    {
        if (value.Length > 0)
            Bytes(field, Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Bytes.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Key(field, WireType.Length);
        Varint((ulong)value.Length);
        output.Write(value);
    }

    /// <summary>A message within this one.</summary>
    /// <param name="field">The field.</param>
    /// <param name="write">Writes its fields, and the same each time that it is called.</param>
    public void Message(int field, Action<WireWriter> write)
    {
        using var counter = new CountingStream();
        write(new WireWriter(counter));
        Key(field, WireType.Length);
        Varint((ulong)counter.Length);
        write(this);
    }

    private void Key(int field, WireType type) => Varint(((ulong)field << 3) | (ulong)type);

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            output.WriteByte((byte)(value | 0x80));
        output.WriteByte((byte)value);
    }
}
