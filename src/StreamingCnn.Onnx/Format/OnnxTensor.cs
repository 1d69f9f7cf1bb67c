using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Format;

/// <summary>A tensor of a file: its values are parts of the file's memory, and are copied where a tensor is made of them.</summary>
internal sealed record OnnxTensor
{
    /// <summary>The name.</summary>
    public string Name { get; init; } = "";

    /// <summary>The dimensions.</summary>
    public required IReadOnlyList<long> Shape { get; init; }

    /// <summary>Type of the elements.</summary>
    public required OnnxType Type { get; init; }

    /// <summary>The elements, little-endian, one behind the other.</summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> Parts { get; init; }

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, side) => product * side);

    /// <summary>Bytes of an element; 0 for a type that cannot be read.</summary>
    public static int SizeOf(OnnxType type) => type switch
    {
        OnnxType.UInt8 or OnnxType.Int8 or OnnxType.Bool => 1,
        OnnxType.UInt16 or OnnxType.Int16 or OnnxType.Float16 or OnnxType.BFloat16 => 2,
        OnnxType.Float32 or OnnxType.Int32 or OnnxType.UInt32 => 4,
        OnnxType.Int64 or OnnxType.Float64 or OnnxType.UInt64 => 8,
        _ => 0,
    };

    /// <summary>Whether the elements are floating point numbers.</summary>
    public bool IsFloating => Type is OnnxType.Float32 or OnnxType.Float64 or OnnxType.Float16 or OnnxType.BFloat16;

    /// <summary>
    /// The values as a tensor: floating point as float32 or float64, and whole numbers as 64 bits. Those that were left out are 0.
    /// </summary>
    public Tensor ToTensor()
    {
        if (Parts.Count == 0)
            return zeros(
                [.. Shape], dtype: Type == OnnxType.Float64 ? ScalarType.Float64 : IsFloating ? ScalarType.Float32 : ScalarType.Int64);
        var tensor = empty([.. Shape], dtype: DataType);
        var bytes = tensor.bytes;
        var at = 0;
        foreach (var part in Parts)
        {
            part.Span.CopyTo(bytes[at..]);
            at += part.Length;
        }

        if (tensor.dtype is ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int64)
            return tensor;
        using (tensor)
            return tensor.to(IsFloating ? ScalarType.Float32 : ScalarType.Int64);
    }

    /// <summary>A tensor to be written.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">The values: floating point or int64.</param>
    public static OnnxTensor Of(string name, Tensor values)
    {
        using var here = values.detach().cpu().contiguous();
        return new()
        {
            Name = name,
            Shape = here.shape,
            Type = here.dtype switch
            {
                ScalarType.Float32 => OnnxType.Float32,
                ScalarType.Float64 => OnnxType.Float64,
                ScalarType.Int64 => OnnxType.Int64,
                ScalarType.Float16 => OnnxType.Float16,
                ScalarType.BFloat16 => OnnxType.BFloat16,
                var other => throw new NotSupportedException($"A tensor of {other} is not written."),
            },
            Parts = [here.bytes.ToArray()],
        };
    }

    /// <summary>Whole numbers to be written.</summary>
    public static OnnxTensor Of(string name, params long[] values)
    {
        using var one = tensor(values);
        return Of(name, one);
    }

    /// <summary>The type of a tensor of the values as they are.</summary>
    public ScalarType DataType => Type switch
    {
        OnnxType.Float32 => ScalarType.Float32,
        OnnxType.Float64 => ScalarType.Float64,
        OnnxType.Float16 => ScalarType.Float16,
        OnnxType.BFloat16 => ScalarType.BFloat16,
        OnnxType.UInt8 => ScalarType.Byte,
        OnnxType.Int8 => ScalarType.Int8,
        OnnxType.Bool => ScalarType.Bool,
        OnnxType.Int16 => ScalarType.Int16,
        OnnxType.Int32 => ScalarType.Int32,
        OnnxType.Int64 => ScalarType.Int64,
        _ => throw new WireFormatException($"has a tensor '{Name}' of the type {Type}, which is not supported"),
    };
}
