using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace StreamingCnn.Imaging;

/// <summary>The header of a NumPy <c>.npy</c> file of two or three axes.</summary>
internal sealed partial record NpyHeader(char Kind, int ItemSize, IReadOnlyList<long> Shape, long DataOffset)
{
    public static NpyHeader Read(string path)
    {
        using var stream = File.OpenRead(path);
        var start = new byte[12];
        if (stream.ReadAtLeast(start, 12, throwOnEndOfStream: false) < 12)
            throw new ImageFormatException(path, "this .npy file ends within its header; write it again.");
        var wide = start[6] >= 2;
        long length = wide ? BinaryPrimitives.ReadUInt32LittleEndian(start.AsSpan(8)) : BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8));
        var offset = wide ? 12 : 10;
        if (length > 1 << 16 || offset + length > stream.Length)
            throw new ImageFormatException(path, "this .npy file ends within its header; write it again.");
        var text = new byte[length];
        stream.Position = offset;
        stream.ReadExactly(text);
        var header = Encoding.Latin1.GetString(text);
        var type = TypePattern().Match(header);
        var shape = ShapePattern().Match(header);
        if (!type.Success || !shape.Success)
            throw new ImageFormatException(path, "the header of this .npy file is damaged; write it again.");
        var kind = type.Groups[2].Value[0];
        var size = int.Parse(type.Groups[3].Value, CultureInfo.InvariantCulture);
        var supported = (kind, size) is ('u', 1) or ('u', 2) or ('f', 4) or ('f', 8) or ('b', 1);
        if (!supported || type.Groups[1].Value == ">")
            throw new ImageFormatException(path, $"the array is of type {type.Groups[1].Value}{kind}{size}; save it as little-endian uint8, uint16, float32 or float64.");
        if (header.Contains("'fortran_order': True", StringComparison.Ordinal))
            throw new ImageFormatException(path, "the array is in Fortran order; save numpy.ascontiguousarray(array).");
        var axes = shape.Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(axis => long.Parse(axis, CultureInfo.InvariantCulture)).ToArray();
        var items = axes.Aggregate(1d, (product, axis) => product * axis);
        if (axes.Length is not (2 or 3) || items <= 0)
            throw new ImageFormatException(path, $"the array has shape ({string.Join(", ", axes)}); an image is (height, width) or (height, width, channels).");
        if (offset + length + (items * size) > stream.Length)
            throw new ImageFormatException(path, $"the array of shape ({string.Join(", ", axes)}) needs {items * size:0} bytes, but the file is cut short at {stream.Length}; write it again.");
        return new NpyHeader(kind, size, axes, offset + length);
    }

    [GeneratedRegex(@"'descr':\s*'([<>|=]?)([a-z])(\d+)'")]
    private static partial Regex TypePattern();

    [GeneratedRegex(@"'shape':\s*\(([0-9, ]*)\)")]
    private static partial Regex ShapePattern();
}
