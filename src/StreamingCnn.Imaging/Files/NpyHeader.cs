using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Imaging;

/// <summary>The header of a NumPy <c>.npy</c> file: (height, width), (height, width, channels) or (channels, height, width).</summary>
internal static partial class NpyHeader
{
    // An image with fewer channels than rows and columns may have any number of them in the last axis, where they
    // belong. In the first axis they are believed to be channels where both of the others are so many times longer.
    private const int Sides = 4;

    /// <param name="path">The file.</param>
    /// <param name="axis">Where the channels stand; null to tell from the shape.</param>
    /// <exception cref="ImageFormatException">The header is damaged, or the array is no image or could be several.</exception>
    public static RawLayout Read(string path, ChannelAxis? axis = null)
    {
        using var stream = File.OpenRead(path);
        var start = new byte[12];
        if (stream.ReadAtLeast(start, 12, throwOnEndOfStream: false) < 12)
            throw new ImageFormatException(path, "this .npy file ends within its header; write it again.");
        var wide = start[6] >= 2;
        long length = wide
            ? BinaryPrimitives.ReadUInt32LittleEndian(start.AsSpan(8))
            : BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8));
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
        RawSamples? samples = (type.Groups[2].Value + type.Groups[3].Value) switch
        {
            "u1" or "b1" => RawSamples.UInt8,
            "u2" => RawSamples.UInt16,
            "f4" => RawSamples.Float32,
            "f8" => RawSamples.Float64,
            _ => null,
        };
        if (samples is null || type.Groups[1].Value == ">")
        {
            var written = type.Groups[1].Value + type.Groups[2].Value + type.Groups[3].Value;
            throw new ImageFormatException(
                path, $"the array is of type {Excerpt.Of(written)}; save it as little-endian uint8, uint16, float32 or float64.");
        }

        if (header.Contains("'fortran_order': True", StringComparison.Ordinal))
            throw new ImageFormatException(path, "the array is in Fortran order; save numpy.ascontiguousarray(array).");
        var axes = shape.Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(axis => int.TryParse(axis, NumberStyles.None, CultureInfo.InvariantCulture, out var side) ? side : 0L).ToArray();
        if (axes.Length is not (2 or 3) || axes.Contains(0))
        {
            throw new ImageFormatException(
                path,
                $"the array has shape ({Excerpt.Of(shape.Groups[1].Value)}); an image is (height, width), (height, width, channels) "
                    + "or (channels, height, width).");
        }

        if (axes.Length == 2)
            return new RawLayout(axes[0], axes[1], 1, samples.Value, offset + length);
        return (axis ?? Guess(path, axes)) == ChannelAxis.Last
            ? new RawLayout(axes[0], axes[1], (int)axes[2], samples.Value, offset + length)
            : new RawLayout(axes[1], axes[2], (int)axes[0], samples.Value, offset + length) { ChannelsFirst = true };
    }

    private static ChannelAxis Guess(string path, long[] axes)
    {
        if (axes[2] < Math.Min(axes[0], axes[1]))
            return ChannelAxis.Last;
        return axes[0] * Sides <= Math.Min(axes[1], axes[2]) ? ChannelAxis.First : throw new ImageFormatException(
            path,
            $"the shape ({string.Join(", ", axes)}) does not tell whether the array is (height, width, channels) "
                + "or (channels, height, width); say which: ChannelAxis.Last or First, in scnn --axes last or first.");
    }

    [GeneratedRegex(@"'descr':\s*'([<>|=]?)([a-z])(\d+)'")]
    private static partial Regex TypePattern();

    [GeneratedRegex(@"'shape':\s*\(([0-9, ]*)\)")]
    private static partial Regex ShapePattern();
}
