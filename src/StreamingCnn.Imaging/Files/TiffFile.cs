using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Imaging;

/// <summary>
/// Reads the directories of a TIFF or BigTIFF file, without its pixels. They tell levels from pages, and a file that was cut short or
/// claims an absurd size from a sound one, before any decoder allocates memory for it.
/// </summary>
internal sealed class TiffFile
{
    // A chain longer than this is a loop or not a TIFF that this library is for.
    private const int MaximalDirectories = 4096;

    private readonly string path;
    private readonly Stream stream;
    private readonly bool bigEndian;
    private readonly bool big;

    // Pages may share what they refer to, and it is then read once. Nothing else lies in two places at once, so a file
    // that has more than this read refers to the same bytes again and again, and would take memory and time out of
    // proportion to its size.
    private readonly Dictionary<(long Offset, long Bytes), byte[]> payloads = [];
    private readonly Dictionary<(int Type, long Offset, long Count), long[]> numbers = [];
    private readonly long mostToRead;
    private long read;

    private TiffFile(string path, Stream stream, int page)
    {
        this.path = path;
        this.stream = stream;
        Length = stream.Length;
        mostToRead = (2 * Length) + 65536;
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
        SubDirectories = page >= directories.Count
            ? []
            : [.. directories[page].SubDirectories.Take(64).Select(offset => Directory(offset).Directory)];
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

    /// <summary>Reads all directories of a file that lies elsewhere than in a folder.</summary>
    /// <param name="path">What it is of, for messages.</param>
    /// <param name="stream">Its bytes.</param>
    /// <exception cref="ImageFormatException">The structure is damaged.</exception>
    public static TiffFile Read(string path, Stream stream) => new(path, stream, 0);

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
        var offsets = All(tags, tiled ? 324 : 273);
        var lengths = All(tags, tiled ? 325 : 279);
        long end = 0;
        for (var i = 0; i < Math.Min(offsets.Length, lengths.Length); i++)
        {
            // Nothing is stored there, wherever it claims to lie.
            if (lengths[i] != 0)
                end = offsets[i] < 0 || lengths[i] < 0 || offsets[i] > long.MaxValue - lengths[i]
                    ? long.MaxValue
                    : Math.Max(end, offsets[i] + lengths[i]);
        }

        var (bits, formats) = (All(tags, 258), All(tags, 339));
        var samples = (int)One(tags, 277, 1);
        var extra = All(tags, 338);
        var alpha = samples > 1 && extra.Length < samples ? Array.FindIndex(extra, kind => kind is 1 or 2) : -1;
        return new TiffDirectory
        {
            Width = One(tags, 256, 0),
            Height = One(tags, 257, 0),
            BitsPerSample = (int)One(tags, 258, 1),
            SamplesPerPixel = samples,
            SampleFormat = (int)One(tags, 339, 1),
            Compression = (int)One(tags, 259, 1),
            PlanarConfiguration = (int)One(tags, 284, 1),
            SubfileType = One(tags, 254, 0),
            TileWidth = One(tags, 322, 0),
            TileHeight = One(tags, 323, 0),
            RowsPerStrip = One(tags, 278, 0),
            Orientation = (int)One(tags, 274, 1),
            ResolutionUnit = (int)One(tags, 296, 2),
            XResolution = tags.TryGetValue(282, out var across) && Reals(across) is [var x] && double.IsFinite(x) ? x : null,
            YResolution = tags.TryGetValue(283, out var down) && Reals(down) is [var y] && double.IsFinite(y) ? y : null,
            PixelScale = tags.TryGetValue(33550, out var scale) ? Reals(scale) : [],
            Tiepoints = tags.TryGetValue(33922, out var points) ? Reals(points) : [],
            Transformation = tags.TryGetValue(34264, out var matrix) ? Reals(matrix) : [],
            GeoKeys = All(tags, 34735),
            GeoDoubles = tags.TryGetValue(34736, out var geoNumbers) ? Reals(geoNumbers) : [],
            GeoTexts = tags.TryGetValue(34737, out var geoTexts) ? Text(geoTexts) : "",
            Description = tags.TryGetValue(270, out var text) ? Text(text) : "",
            ExtraSamples = [.. extra.Select(kind => (int)kind)],
            Photometric = tags.ContainsKey(262) ? (int)One(tags, 262, 0) : null,
            MixedSamples = bits.Any(value => value != bits[0]) || formats.Any(value => value != formats[0]),
            BigEndian = bigEndian,
            FillOrder = (int)One(tags, 266, 1),
            Predictor = (int)One(tags, 317, 1),
            InkSet = (int)One(tags, 332, 1),
            FaxOptions = (int)One(tags, tags.ContainsKey(293) ? 293 : 292, 0),
            JpegTables = tags.TryGetValue(347, out var tables) ? Payload(tables, 1) : [],
            Palette = All(tags, 320),
            ColourProfile = tags.TryGetValue(34675, out var profile) ? Payload(profile, 1) : [],
            ChromaSubsampling = All(tags, 530) is [var chromaAcross, var chromaDown, ..] ? ((int)chromaAcross, (int)chromaDown) : (2, 2),
            LumaWeights = tags.TryGetValue(529, out var weights) ? Reals(weights) : [],
            ReferenceBlackWhite = tags.TryGetValue(532, out var reference) ? Reals(reference) : [],
            AlphaBand = alpha < 0 ? -1 : samples - extra.Length + alpha,
            IsAlphaAssociated = alpha >= 0 && extra[alpha] == 1,
            GdalMetadata = tags.TryGetValue(42112, out var metadata) ? Text(metadata) : "",
            NoData = tags.TryGetValue(42113, out var noData) ? Text(noData) : "",
            // Tag 65420 is in every directory of a Hamamatsu NDPI file and in no other.
            Hamamatsu = tags.ContainsKey(65420),
            // Roche's scanners say so in tag 700; their tiles overlap and are laid out by an XML text.
            Ventana = tags.TryGetValue(700, out var packet) && Text(packet).Contains("<iScan", StringComparison.Ordinal),
            SubDirectories = tags.TryGetValue(330, out var sub) ? Values(sub) : [],
            BlockOffsets = offsets,
            BlockLengths = lengths,
            DataEnd = end,
        };
    }

    private long One(Dictionary<int, TiffTag> tags, int tag, long missing) => All(tags, tag) is [var first, ..] ? first : missing;

    private long[] All(Dictionary<int, TiffTag> tags, int tag) => tags.TryGetValue(tag, out var entry) ? Values(entry) : [];

    private long[] Values(TiffTag tag)
    {
        var size = tag.Type switch { 1 or 2 or 6 or 7 => 1, 3 or 8 => 2, 4 or 9 or 13 => 4, 16 or 17 or 18 => 8, _ => 0 };
        if (size == 0)
            return [];
        var bytes = Payload(tag, size);
        var shared = bytes.Length > tag.Inline.Length;
        var place = (tag.Type, Number(tag.Inline), tag.Count);
        if (shared && numbers.TryGetValue(place, out var values))
            return values;
        values = new long[tag.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = Number(bytes.AsSpan(i * size, size));
        if (shared)
            numbers[place] = values;
        return values;
    }

    /// <summary>Real numbers, however they are stored; a fraction over 0 is no number.</summary>
    private double[] Reals(TiffTag tag)
    {
        var size = tag.Type switch { 11 => 4, 5 or 10 or 12 => 8, _ => 0 };
        if (size == 0)
            return [.. Values(tag).Select(value => (double)value)];
        var bytes = Payload(tag, size);
        return [.. Enumerable.Range(0, (int)tag.Count).Select(i => Real(bytes.AsSpan(i * size, size)))];

        double Real(ReadOnlySpan<byte> number) => tag.Type switch
        {
            11 => BitConverter.Int32BitsToSingle((int)Number(number)),
            12 => BitConverter.Int64BitsToDouble(Number(number)),
            10 => (double)(int)Number(number[..4]) / (int)Number(number[4..]),
            _ => (double)Number(number[..4]) / Number(number[4..]),
        };
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
        var place = (Number(tag.Inline), bytes);
        if (!payloads.TryGetValue(place, out var payload))
            payloads[place] = payload = Bytes(place.Item1, checked((int)bytes));
        return payload;
    }

    private byte[] Bytes(long offset, int count)
    {
        if (offset < 0 || count < 0 || offset > stream.Length - count)
        {
            throw Damaged(
                $"the file ends at byte {stream.Length} where its structure goes on to byte {(double)offset + count:0}; it is cut short, so copy or download it again");
        }

        if ((read += count) > mostToRead)
            throw Damaged("its pages refer to the same bytes again and again");
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
