using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace StreamingCnn.Imaging.Tests.Layouts;

/// <summary>
/// Writes TIFF files of known numbers in any layout, after the TIFF 6.0 specification, its supplements and that of BigTIFF. It shares no
/// code with any decoder.
/// </summary>
internal sealed class TiffWriter : IDisposable
{
    private readonly TiffLayoutCase layout;
    private readonly Func<int, int, int, double> sample;
    private readonly MemoryStream file = new();

    private TiffWriter(TiffLayoutCase layout, Func<int, int, int, double> sample)
    {
        this.layout = layout;
        this.sample = sample;
    }

    /// <summary>Writes a file.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="layout">How the image is stored.</param>
    /// <param name="sample">The number at a row, a column and a band.</param>
    public static void Write(string path, TiffLayoutCase layout, Func<int, int, int, double> sample)
    {
        using var writer = new TiffWriter(layout, sample);
        writer.WriteAll();
        File.WriteAllBytes(path, writer.file.ToArray());
    }

    public void Dispose() => file.Dispose();

    private void WriteAll()
    {
        file.Write(layout.BigEndian ? "MM"u8 : "II"u8);
        Number(layout.BigTiff ? 43 : 42, 2);
        if (layout.BigTiff)
        {
            Number(8, 2);
            Number(0, 2);
        }

        var first = file.Position;
        Number(0, layout.BigTiff ? 8 : 4);
        var (offsets, lengths) = WriteBlocks();
        var tags = Tags(offsets, lengths);
        var payloads = tags.Select(tag => Payload(tag.Size, tag.Values)).ToList();
        var inline = layout.BigTiff ? 8 : 4;
        var places = payloads.Select(payload => payload.Length > inline ? Append(payload) : 0).ToList();
        Align();
        var directory = file.Position;
        Number(tags.Count, layout.BigTiff ? 8 : 2);
        for (var i = 0; i < tags.Count; i++)
        {
            Number(tags[i].Tag, 2);
            Number(tags[i].Size switch { 1 => 2, 2 => 3, 4 => 4, _ => 16 }, 2);
            Number(tags[i].Values.Count, inline);
            if (payloads[i].Length > inline)
                Number(places[i], inline);
            else
                file.Write([.. payloads[i], .. new byte[inline - payloads[i].Length]]);
        }

        Number(0, inline);
        file.Position = first;
        Number(directory, inline);
    }

    private List<(int Tag, int Size, IReadOnlyList<long> Values)> Tags(List<long> offsets, List<long> lengths)
    {
        var tiled = layout.TileWidth is not null;
        var tags = new List<(int Tag, int Size, IReadOnlyList<long> Values)>
        {
            (256, 4, [layout.Width]),
            (257, 4, [layout.Height]),
            (258, 2, [.. Enumerable.Repeat((long)layout.Bits, layout.Bands)]),
            (259, 2, [layout.Compression]),
            (274, 2, [layout.Orientation]),
            (277, 2, [layout.Bands]),
            (284, 2, [layout.Planar ? 2 : 1]),
            (317, 2, [layout.Predictor]),
            (tiled ? 324 : 273, layout.BigTiff ? 8 : 4, offsets),
            (tiled ? 325 : 279, 4, lengths),
            (339, 2, [.. Enumerable.Repeat((long)layout.SampleFormat, layout.Bands)]),
        };
        if (layout.Photometric is { } photometric)
            tags.Add((262, 2, [photometric]));
        if (layout.TileWidth is { } width)
            tags.AddRange([(322, 4, [width]), (323, 4, [layout.BlockHeight])]);
        else
            tags.Add((278, 4, [layout.BlockHeight]));
        if (layout.ExtraSamples.Count > 0)
            tags.Add((338, 2, [.. layout.ExtraSamples.Select(kind => (long)kind)]));
        if (layout.Palette.Count > 0)
            tags.Add((320, 2, [.. layout.Palette.Select(colour => (long)colour)]));
        if (layout.ReversedBits)
            tags.Add((266, 2, [2]));
        if (layout.Chroma is { } chroma)
            tags.Add((530, 2, [chroma.Across, chroma.Down]));
        if (layout.PrivateTag > 0)
            tags.Add((layout.PrivateTag, 2, [5]));
        if (layout.NoData is { } text)
            tags.Add((42113, 1, Letters(text)));
        if (layout.Description is { } description)
            tags.Add((270, 1, Letters(description)));
        tags.Sort((a, b) => a.Tag.CompareTo(b.Tag));
        return tags;
    }

    private static List<long> Letters(string text) => [.. Encoding.ASCII.GetBytes(text + "\0").Select(letter => (long)letter)];

    private (List<long> Offsets, List<long> Lengths) WriteBlocks()
    {
        var (offsets, lengths) = (new List<long>(), new List<long>());
        var (planes, samples) = layout.Planar ? (layout.Bands, 1) : (1, layout.Bands);
        var width = layout.TileWidth ?? layout.Width;
        for (var plane = 0; plane < planes; plane++)
        {
            for (var top = 0; top < layout.Height; top += layout.BlockHeight)
            {
                for (var left = 0; left < layout.Width; left += width)
                {
                    if (layout.IsMissing(offsets.Count))
                    {
                        offsets.Add(0);
                        lengths.Add(0);
                        continue;
                    }

                    // A tile is always whole; the last strip ends with the image.
                    var rows = layout.TileWidth is null ? Math.Min(layout.BlockHeight, layout.Height - top) : layout.BlockHeight;
                    var block = new MemoryStream();
                    for (var y = top; y < top + rows; y += layout.Chroma?.Down ?? 1)
                        block.Write(layout.Chroma is { } chroma ? Units(y, left, width, chroma) : Row(y, left, width, plane, samples));
                    var coded = Compress(block.ToArray());
                    if (layout.ReversedBits)
                        coded = [.. coded.Select(Reverse)];
                    offsets.Add(Append(coded));
                    lengths.Add(coded.Length);
                }
            }
        }

        return (offsets, lengths);
    }

    // Data units of section 21: the luma of the pixels that share their chroma, then the chroma, that of the first of them.
    private byte[] Units(int y, int left, int width, (int Across, int Down) chroma)
    {
        var units = new List<byte>();
        for (var x = left; x < left + width; x += chroma.Across)
        {
            for (var pixel = 0; pixel < chroma.Across * chroma.Down; pixel++)
                units.Add(Code(y + (pixel / chroma.Across), x + (pixel % chroma.Across), 0));
            units.AddRange([Code(y, x, 1), Code(y, x, 2)]);
        }

        return [.. units];

        byte Code(int row, int column, int band) =>
            (byte)sample(Math.Min(row, layout.Height - 1), Math.Min(column, layout.Width - 1), band);
    }

    private byte[] Row(int y, int left, int width, int plane, int samples)
    {
        var numbers = new ulong[width * samples];
        for (var i = 0; i < numbers.Length; i++)
        {
            // What lies beyond the image is of no concern, and so it is noise.
            var (x, band) = (left + (i / samples), plane + (i % samples));
            var inside = y < layout.Height && x < layout.Width;
            numbers[i] = inside ? Code(sample(y, x, band)) : (ulong)(((y * 31) + (x * 17) + band) % 251);
        }

        if (layout.Predictor == 2)
        {
            for (var i = numbers.Length - 1; i >= samples; i--)
                numbers[i] -= numbers[i - samples];
        }

        if (layout.Bits % 8 != 0)
            return Pack(numbers);
        var bytes = layout.Bits / 8;
        var row = new byte[numbers.Length * bytes];
        for (var i = 0; i < numbers.Length; i++)
        {
            for (var part = 0; part < bytes; part++)
            {
                // Parts from the highest byte down; for the third predictor all highest bytes come first.
                var value = (byte)(numbers[i] >> (8 * (bytes - 1 - part)));
                var place = (i * bytes) + (layout.BigEndian ? part : bytes - 1 - part);
                row[layout.Predictor == 3 ? (part * numbers.Length) + i : place] = value;
            }
        }

        for (var i = row.Length - 1; layout.Predictor == 3 && i >= samples; i--)
            row[i] -= row[i - samples];
        return row;
    }

    private ulong Code(double value) => (layout.SampleFormat, layout.Bits) switch
    {
        (3, 16) => BitConverter.HalfToUInt16Bits((Half)value),
        (3, 32) => BitConverter.SingleToUInt32Bits((float)value),
        (3, _) => BitConverter.DoubleToUInt64Bits(value),
        (2, _) => (ulong)(long)value,
        _ => (ulong)value,
    };

    private byte[] Pack(ulong[] numbers)
    {
        var row = new byte[((numbers.Length * layout.Bits) + 7) / 8];
        for (var i = 0; i < numbers.Length * layout.Bits; i++)
        {
            var bit = (numbers[i / layout.Bits] >> (layout.Bits - 1 - (i % layout.Bits))) & 1;
            row[i / 8] |= (byte)(bit << (7 - (i % 8)));
        }

        return row;
    }

    private byte[] Compress(byte[] block)
    {
        switch (layout.Compression)
        {
            case 5:
                return TiffLzw.Encode(block);
            case 8:
                var packed = new MemoryStream();
                using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest))
                    zlib.Write(block);
                return packed.ToArray();
            case 32773:
                return PackBits(block);
            default:
                return block;
        }
    }

    private static byte[] PackBits(byte[] block)
    {
        var coded = new List<byte>();
        for (var i = 0; i < block.Length;)
        {
            var run = 1;
            while (run < 128 && i + run < block.Length && block[i + run] == block[i])
                run++;
            if (run > 1)
            {
                coded.AddRange([(byte)(1 - run), block[i]]);
                i += run;
                continue;
            }

            var count = 1;
            while (count < 128 && i + count < block.Length && block[i + count] != block[i + count - 1])
                count++;
            coded.Add((byte)(count - 1));
            coded.AddRange(block.AsSpan(i, count));
            i += count;
        }

        return [.. coded];
    }

    private static byte Reverse(byte value) => (byte)Enumerable.Range(0, 8).Sum(bit => ((value >> bit) & 1) << (7 - bit));

    private byte[] Payload(int size, IReadOnlyList<long> values)
    {
        var bytes = new byte[values.Count * size];
        for (var i = 0; i < values.Count; i++)
            Put(bytes.AsSpan(i * size, size), values[i]);
        return bytes;
    }

    private long Append(byte[] bytes)
    {
        Align();
        var place = file.Position;
        file.Write(bytes);
        return place;
    }

    private void Align()
    {
        if (file.Position % 2 != 0)
            file.WriteByte(0);
    }

    private void Number(long value, int size)
    {
        Span<byte> bytes = stackalloc byte[size];
        Put(bytes, value);
        file.Write(bytes);
    }

    private void Put(Span<byte> bytes, long value)
    {
        Span<byte> all = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(all, value);
        all[(8 - bytes.Length)..].CopyTo(bytes);
        if (!layout.BigEndian)
            bytes.Reverse();
    }
}
