using System.Buffers.Binary;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Onnx.Format;

/// <summary>Reads tensors, whose values stand in one of four places.</summary>
/// <param name="external">The files beside the model's; null where there are none.</param>
/// <param name="mayLackValues">Whether a tensor may stand there without its values.</param>
internal sealed class TensorReader(ExternalData? external, bool mayLackValues = false)
{
    /// <exception cref="WireFormatException">It is damaged.</exception>
    public OnnxTensor Read(ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var name = "";
        var type = OnnxType.None;
        var (shape, integers) = (new List<long>(), new List<long>());
        var parts = new List<ReadOnlyMemory<byte>>();
        var place = new Dictionary<string, string>();
        var isExternal = false;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    reader.AddIntegers(shape);
                    break;
                case 2:
                    type = (OnnxType)reader.Integer();
                    break;
                case 4:
                    reader.AddFixed(sizeof(float), parts);
                    break;
                case 5 or 7 or 11:
                    reader.AddIntegers(integers);
                    break;
                case 8:
                    name = reader.Text();
                    break;
                case 9:
                    parts.Add(reader.Bytes());
                    break;
                case 10:
                    reader.AddFixed(sizeof(double), parts);
                    break;
                case 13:
                    var (key, value) = GraphReader.Pair(reader.Bytes());
                    place[key] = value;
                    break;
                case 14:
                    isExternal = reader.Integer() == 1;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return Checked(name, type, shape, integers, parts, isExternal ? place : null);
    }

    private OnnxTensor Checked(
        string name,
        OnnxType type,
        List<long> shape,
        List<long> integers,
        List<ReadOnlyMemory<byte>> parts,
        Dictionary<string, string>? place)
    {
        var title = Excerpt.Of(name);
        var size = OnnxTensor.SizeOf(type);
        if (size == 0)
            throw new WireFormatException($"has a tensor '{title}' of the type {(int)type}, which is not supported");
        var bytes = (Int128)size;
        foreach (var side in shape)
        {
            bytes = side >= 0 ? bytes * side : -1;
            if (bytes < 0 || bytes > long.MaxValue)
                throw new WireFormatException($"has a tensor '{title}' of the impossible shape [{Excerpt.Of(shape)}]");
        }

        if (place is not null)
            parts = [
                (external ?? throw new WireFormatException($"keeps the tensor '{title}' in another file")).Read(title, place, (long)bytes)
            ];
        else if (integers.Count > 0)
            parts = [Packed(integers, size)];
        var found = parts.Sum(part => (long)part.Length);
        return found == bytes || (mayLackValues && parts.Count == 0 && bytes <= Array.MaxLength)
            ? new() { Name = name, Shape = shape, Type = type, Parts = parts }
            : throw new WireFormatException(
                $"has a tensor '{title}' of {bytes} bytes by its shape [{Excerpt.Of(shape)}], but {found} bytes of values");
    }

    /// <summary>Whole numbers in the bytes that their type has.</summary>
    private static byte[] Packed(List<long> integers, int size)
    {
        var packed = new byte[integers.Count * size];
        Span<byte> eight = stackalloc byte[sizeof(long)];
        for (var i = 0; i < integers.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(eight, integers[i]);
            eight[..size].CopyTo(packed.AsSpan(i * size));
        }

        return packed;
    }
}
