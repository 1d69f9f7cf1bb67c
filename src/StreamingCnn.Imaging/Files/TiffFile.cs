using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Imaging;

/// <summary>
/// Reads the directories of a TIFF or BigTIFF file, without its pixels. They tell levels from pages, and a file that was cut short or claims
/// an absurd size from a sound one, before any decoder allocates memory for it.
/// </summary>
internal sealed class TiffFile
{
    // A chain longer than this is a loop or not a TIFF that this library is for.
    private const int MaximalDirectories = 4096;

    private readonly string path;
    private readonly Stream stream;
    private readonly bool bigEndian;
    private readonly bool big;

    private TiffFile(string path, Stream stream, int page)
    {
        this.path = path;
        this.stream = stream;
        Length = stream.Length;
        var head = Bytes(0, 8);
        bigEndian = head[0] == 'M';
        big = Number(head.AsSpan(2, 2)) == 43;
        var first = big ? Number(Bytes(8, 8)) : Number(head.AsSpan(4, 4));
        var seen = new HashSet<long>();
        for (var offset = first; offset != 0;)
        {
            if (!seen.Add(offset))
                throw Damaged("its list of pages runs in a circle");
            if (seen.Count > MaximalDirectories)
                throw Damaged($"it has more than {MaximalDirectories} pages");
            (var directory, offset) = Directory(offset);
            directories.Add(directory);
        }

        if (directories.Count == 0)
            throw Damaged("it has no page");
        SubDirectories = page >= directories.Count ? [] : [.. directories[page].SubDirectories.Take(64).Select(offset => Directory(offset).Directory)];
    }

    private readonly List<TiffDirectory> directories = [];

    /// <summary>The pages in file order.</summary>
    public IReadOnlyList<TiffDirectory> Directories => directories;

    /// <summary>Length of the file in bytes.</summary>
    public long Length { get; }

    /// <summary>Reads all directories of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="page">The page whose reduced images are wanted.</param>
    /// <exception cref="ImageFormatException">The structure is damaged.</exception>
    public static TiffFile Read(string path, int page = 0)
    {
        using var stream = File.OpenRead(path);
        return new TiffFile(path, stream, page);
    }

    /// <summary>The reduced images that the page refers to by its SubIFD tag, in that order.</summary>
    public IReadOnlyList<TiffDirectory> SubDirectories { get; }

    private (TiffDirectory Directory, long Next) Directory(long offset)
    {
        var count = Number(Bytes(offset, big ? 8 : 2));
        if (count is <= 0 or > 65535)
            throw Damaged($"the page at byte {offset} lists {count} tags");
        var entrySize = big ? 20 : 12;
        var start = offset + (big ? 8 : 2);
        var body = Bytes(start, (int)count * entrySize);
        var tags = new Dictionary<int, TiffTag>();
        for (var i = 0; i < count; i++)
        {
            var entry = body.AsSpan(i * entrySize, entrySize);
            var tag = (int)Number(entry[..2]);
            tags[tag] = new TiffTag((int)Number(entry[2..4]), Number(entry.Slice(4, big ? 8 : 4)), entry[(big ? 12 : 8)..].ToArray());
        }

        var next = Number(Bytes(start + (count * entrySize), big ? 8 : 4));
        return (Describe(tags), next);
    }

    private TiffDirectory Describe(Dictionary<int, TiffTag> tags)
    {
        var tiled = tags.ContainsKey(324);
        var offsets = tags.TryGetValue(tiled ? 324 : 273, out var offsetTag) ? Values(offsetTag) : [];
        var lengths = tags.TryGetValue(tiled ? 325 : 279, out var lengthTag) ? Values(lengthTag) : [];
        long end = 0;
        for (var i = 0; i < Math.Min(offsets.Length, lengths.Length); i++)
            end = Math.Max(end, offsets[i] + lengths[i]);
        return new TiffDirectory
        {
            Width = One(tags, 256, 0),
            Height = One(tags, 257, 0),
            BitsPerSample = (int)One(tags, 258, 1),
            SamplesPerPixel = (int)One(tags, 277, 1),
            SampleFormat = (int)One(tags, 339, 1),
            Compression = (int)One(tags, 259, 1),
            PlanarConfiguration = (int)One(tags, 284, 1),
            SubfileType = One(tags, 254, 0),
            TileWidth = One(tags, 322, 0),
            TileHeight = One(tags, 323, 0),
            RowsPerStrip = One(tags, 278, 0),
            Orientation = (int)One(tags, 274, 1),
            ResolutionUnit = (int)One(tags, 296, 2),
            XResolution = tags.TryGetValue(282, out var resolution) ? Rational(resolution) : null,
            Description = tags.TryGetValue(270, out var text) ? Text(text) : "",
            HasAlpha = tags.TryGetValue(338, out var extra) && Values(extra).Any(kind => kind is 1 or 2),
            // Tag 65420 is in every directory of a Hamamatsu NDPI file and in no other.
            Hamamatsu = tags.ContainsKey(65420),
            // Roche's scanners say so in tag 700; their tiles overlap and are laid out by an XML text.
            Ventana = tags.TryGetValue(700, out var packet) && Text(packet).Contains("<iScan", StringComparison.Ordinal),
            SubDirectories = tags.TryGetValue(330, out var sub) ? Values(sub) : [],
            BlockCount = offsets.Length,
            DataEnd = end,
        };
    }

    private long One(Dictionary<int, TiffTag> tags, int tag, long missing) =>
        tags.TryGetValue(tag, out var entry) && Values(entry) is { Length: > 0 } values ? values[0] : missing;

    private long[] Values(TiffTag tag)
    {
        var size = tag.Type switch { 1 or 2 or 6 or 7 => 1, 3 or 8 => 2, 4 or 9 or 13 => 4, 16 or 17 or 18 => 8, _ => 0 };
        if (size == 0)
            return [];
        var bytes = Payload(tag, size);
        var values = new long[tag.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = Number(bytes.AsSpan(i * size, size));
        return values;
    }

    private double? Rational(TiffTag tag)
    {
        if (tag.Type != 5 || tag.Count != 1)
            return null;
        var bytes = Payload(tag, 8);
        var below = Number(bytes.AsSpan(4, 4));
        return below == 0 ? null : (double)Number(bytes.AsSpan(0, 4)) / below;
    }

    private string Text(TiffTag tag) =>
        tag.Type is 2 or 1 or 7 && tag.Count < 64 << 20 ? Encoding.UTF8.GetString(Payload(tag, 1)).TrimEnd('\0') : "";

    private byte[] Payload(TiffTag tag, int size)
    {
        if (tag.Count < 0 || tag.Count > stream.Length)
            throw Damaged($"a tag claims {tag.Count} values, more than the file has bytes");
        var bytes = tag.Count * size;
        if (bytes <= tag.Inline.Length)
            return tag.Inline[..(int)bytes];
        return Bytes(Number(tag.Inline), checked((int)bytes));
    }

    private byte[] Bytes(long offset, int count)
    {
        if (offset < 0 || count < 0 || offset > stream.Length - count)
        {
            throw Damaged(
                $"the file ends at byte {stream.Length} where its structure goes on to byte {(double)offset + count:0}; it is cut short, so copy or download it again");
        }

        var bytes = new byte[count];
        stream.Position = offset;
        stream.ReadExactly(bytes);
        return bytes;
    }

    private long Number(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        1 => bytes[0],
        2 => bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        4 => bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => bigEndian ? BinaryPrimitives.ReadInt64BigEndian(bytes) : BinaryPrimitives.ReadInt64LittleEndian(bytes),
    };

    private ImageFormatException Damaged(string what) => new(path, $"this TIFF file is damaged: {what}.");

    private readonly record struct TiffTag(int Type, long Count, byte[] Inline);
}
