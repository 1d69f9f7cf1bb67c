using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace StreamingCnn.Testing;

/// <summary>
/// A page of a TIFF that a test writes byte by byte: little-endian, uncompressed, the bands of a pixel beside each
/// other.
/// </summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Bands">Samples of a pixel.</param>
/// <param name="Samples">All samples, as bytes.</param>
public sealed record TaggedTiff(int Height, int Width, int Bands, byte[] Samples)
{
    private readonly SortedDictionary<int, (int Type, int Count, byte[] Bytes)> tags = [];

    /// <summary>Bits of a sample.</summary>
    public int Bits => Samples.Length / (Height * Width * Bands) * 8;

    /// <summary>Side of square tiles; 0 for one strip.</summary>
    public int Tile { get; init; }

    /// <summary>Smaller versions, which the page refers to.</summary>
    public TaggedTiff[] Smaller { get; init; } = [];

    /// <summary>A page of numbers.</summary>
    public static TaggedTiff Of<T>(int height, int width, int bands, Func<int, int, int, T> value, int tile = 0)
        where T : unmanaged
    {
        var samples = new T[height * width * bands];
        for (var i = 0; i < samples.Length; i++)
            samples[i] = value(i / bands / width, i / bands % width, i % bands);
        var format = typeof(T) == typeof(float) || typeof(T) == typeof(double) ? 3
            : typeof(T) == typeof(short) || typeof(T) == typeof(sbyte) ? 2
            : 1;
        return new TaggedTiff(height, width, bands, MemoryMarshal.AsBytes(samples.AsSpan()).ToArray()) { Tile = tile }
            .Shorts(339, [.. Enumerable.Repeat((ushort)format, bands)]).Shorts(262, (ushort)(bands >= 3 ? 2 : 1));
    }

    public TaggedTiff Shorts(int tag, params ushort[] values) =>
        With(tag, 3, values.Length, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public TaggedTiff Floats(int tag, params float[] values) =>
        With(tag, 11, values.Length, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public TaggedTiff Doubles(int tag, params double[] values) =>
        With(tag, 12, values.Length, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public TaggedTiff Fraction(int tag, uint above, uint below) =>
        With(tag, 5, 1, MemoryMarshal.AsBytes((ReadOnlySpan<uint>)[above, below]).ToArray());

    public TaggedTiff Text(int tag, string text) =>
        With(tag, 2, Encoding.UTF8.GetByteCount(text) + 1, [.. Encoding.UTF8.GetBytes(text), 0]);

    public TaggedTiff Bytes(int tag, byte[] bytes) => With(tag, 7, bytes.Length, bytes);

    /// <summary>Writes the page into a file.</summary>
    public string WriteTo(string path) => Write(path, this);

    /// <summary>Writes pages into a file.</summary>
    public static string Write(string path, params TaggedTiff[] pages)
    {
        using var file = new MemoryStream();
        file.Write("II*\0\0\0\0\0"u8);
        var link = 4L;
        foreach (var page in pages)
            link = page.Append(file, link);
        File.WriteAllBytes(path, file.ToArray());
        return path;
    }

    private TaggedTiff With(int tag, int type, int count, byte[] bytes)
    {
        tags[tag] = (type, count, bytes);
        return this;
    }

    /// <returns>Where the position of the next page is to be written.</returns>
    private long Append(MemoryStream file, long link)
    {
        var places = Smaller.Select(small =>
        {
            // It is in nobody's chain: the position is kept for the tag alone.
            var at = file.Position;
            file.Write([0, 0, 0, 0]);
            small.Append(file, at);
            file.Position = at;
            var place = new byte[4];
            file.ReadExactly(place);
            file.Position = file.Length;
            return BinaryPrimitives.ReadUInt32LittleEndian(place);
        }).ToArray();
        var (offsets, lengths) = AppendSamples(file);
        Shorts(256, (ushort)Width).Shorts(257, (ushort)Height).Shorts(258, [.. Enumerable.Repeat((ushort)Bits, Bands)])
            .Shorts(259, 1).Shorts(277, (ushort)Bands);
        if (Tile > 0)
            Shorts(322, (ushort)Tile).Shorts(323, (ushort)Tile);
        else
            Shorts(278, (ushort)Height);
        Longs(Tile > 0 ? 324 : 273, offsets);
        Longs(Tile > 0 ? 325 : 279, lengths);
        if (places.Length > 0)
            Longs(330, places);

        var payloads = tags.ToDictionary(tag => tag.Key, tag =>
        {
            var at = (uint)file.Position;
            if (tag.Value.Bytes.Length > 4)
                file.Write([.. tag.Value.Bytes, .. new byte[tag.Value.Bytes.Length % 2]]);
            return at;
        });
        var start = (uint)file.Position;
        Span<byte> entry = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16LittleEndian(entry, (ushort)tags.Count);
        file.Write(entry[..2]);
        foreach (var (tag, (type, count, bytes)) in tags)
        {
            entry.Clear();
            BinaryPrimitives.WriteUInt16LittleEndian(entry, (ushort)tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], (ushort)type);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], count);
            if (bytes.Length > 4)
                BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], payloads[tag]);
            else
                bytes.CopyTo(entry[8..]);
            file.Write(entry);
        }

        var next = file.Position;
        file.Write([0, 0, 0, 0]);
        file.Position = link;
        BinaryPrimitives.WriteUInt32LittleEndian(entry, start);
        file.Write(entry[..4]);
        file.Position = file.Length;
        return next;
    }

    private (uint[] Offsets, uint[] Lengths) AppendSamples(MemoryStream file)
    {
        if (Tile == 0)
        {
            var at = (uint)file.Position;
            file.Write([.. Samples, .. new byte[Samples.Length % 2]]);
            return ([at], [(uint)Samples.Length]);
        }

        var offsets = new List<uint>();
        var pixel = Bands * Bits / 8;
        for (var top = 0; top < Height; top += Tile)
        {
            for (var left = 0; left < Width; left += Tile)
            {
                offsets.Add((uint)file.Position);
                for (var y = top; y < top + Tile; y++)
                {
                    var line = new byte[Tile * pixel];
                    if (y < Height)
                        Samples.AsSpan(((y * Width) + left) * pixel, Math.Min(Tile, Width - left) * pixel).CopyTo(line);
                    file.Write(line);
                }
            }
        }

        return ([.. offsets], [.. offsets.Select(_ => (uint)(Tile * Tile * pixel))]);
    }

    private void Longs(int tag, uint[] values) => With(tag, 4, values.Length, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}
