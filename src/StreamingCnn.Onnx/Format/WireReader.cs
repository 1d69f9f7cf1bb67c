using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Onnx.Format;

/// <summary>
/// Reads the fields of a protobuf message, one after the other. What has a length is a part of the message's own memory, so that
/// nothing is copied, and no length is believed that the message does not have.
/// </summary>
/// <param name="message">The message's bytes.</param>
internal struct WireReader(ReadOnlyMemory<byte> message)
{
    private const int VarintBits = 64;
    private int position;

    /// <summary>Number of the field that <see cref="Next"/> has found.</summary>
    public int Field { get; private set; }

    /// <summary>How the field is written.</summary>
    public WireType Type { get; private set; }

    /// <summary>Goes on to the next field, whose value must be read or skipped.</summary>
    /// <returns>Whether there is one.</returns>
    public bool Next()
    {
        if (position == message.Length)
            return false;
        var key = Varint();
        (Field, Type) = ((int)Math.Min(key >> 3, int.MaxValue), (WireType)(key & 7));
        return Field > 0 ? true : throw new WireFormatException("has a field without a number");
    }

    /// <summary>The field's value as a whole number.</summary>
    public long Integer() => Type == WireType.Varint ? (long)Varint() : throw Unexpected();

    /// <summary>The field's value as bytes.</summary>
    public ReadOnlyMemory<byte> Bytes()
    {
        if (Type != WireType.Length)
            throw Unexpected();
        var length = Varint();
        if (length > (ulong)(message.Length - position))
            throw new WireFormatException($"ends before its field {Field}, which claims {length} bytes");
        return Take((int)length);
    }

    /// <summary>The field's value as text.</summary>
    public string Text() => Encoding.UTF8.GetString(Bytes().Span);

    /// <summary>The field's value as a float32.</summary>
    public float Single() => Type == WireType.Fixed32
        ? BinaryPrimitives.ReadSingleLittleEndian(Take(sizeof(float)).Span)
        : throw Unexpected();

    /// <summary>The field's values, one or several packed ones, as whole numbers.</summary>
    public void AddIntegers(List<long> values)
    {
        if (Type == WireType.Varint)
        {
            values.Add(Integer());
            return;
        }

        var packed = new WireReader(Bytes()) { Field = Field };
        while (packed.position < packed.Length)
            values.Add((long)packed.Varint());
    }

    /// <summary>The field's values, one or several packed ones, of fixed size, as little-endian bytes.</summary>
    /// <param name="size">Bytes of a value, 4 or 8.</param>
    /// <param name="values">What they are added to.</param>
    public void AddFixed(int size, List<ReadOnlyMemory<byte>> values)
    {
        var single = size == sizeof(float) ? WireType.Fixed32 : WireType.Fixed64;
        var bytes = Type == single ? Take(size) : Bytes();
        if (bytes.Length % size != 0)
            throw new WireFormatException($"has a field {Field} of {bytes.Length} bytes, which are no numbers of {size} bytes each");
        values.Add(bytes);
    }

    /// <summary>Passes over the field's value.</summary>
    public void Skip()
    {
        switch (Type)
        {
            case WireType.Varint:
                Varint();
                break;
            case WireType.Fixed64:
                Take(sizeof(ulong));
                break;
            case WireType.Length:
                Bytes();
                break;
            case WireType.Fixed32:
                Take(sizeof(uint));
                break;
            default:
                throw new WireFormatException($"has a field {Field} of the unknown kind {(int)Type}");
        }
    }

    private readonly int Length => message.Length;

    private ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < VarintBits; shift += 7)
        {
            var one = Take(1).Span[0];
            value |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80)
                return value;
        }

        throw new WireFormatException("has a number of more than 64 bits");
    }

    private ReadOnlyMemory<byte> Take(int count)
    {
        if (count > message.Length - position)
            throw new WireFormatException("ends in the middle of a value");
        var taken = message.Slice(position, count);
        position += count;
        return taken;
    }

    private readonly WireFormatException Unexpected() => new($"has a field {Field} of the kind {Type}, which it cannot have");
}

/// <summary>How a protobuf field is written.</summary>
internal enum WireType
{
    /// <summary>A whole number of as many bytes as it needs.</summary>
    Varint = 0,

    /// <summary>Eight bytes.</summary>
    Fixed64 = 1,

    /// <summary>A length, and as many bytes.</summary>
    Length = 2,

    /// <summary>Four bytes.</summary>
    Fixed32 = 5,
}
