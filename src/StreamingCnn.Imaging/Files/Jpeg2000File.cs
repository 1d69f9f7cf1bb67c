using System.Buffers.Binary;

namespace StreamingCnn.Imaging;

/// <summary>
/// The outline of a JPEG 2000 file (ISO 15444-1): where its code stream lies, and what size it claims. Decoders take a stream that is cut
/// short for one of a poorer quality, and believe a size that is a lie.
/// </summary>
internal sealed class Jpeg2000File
{
    private const uint CodeStreamBox = 0x6a703263;
    private const ushort Start = 0xff4f;
    private const ushort Size = 0xff51;
    private const ushort End = 0xffd9;
    private const int HeaderOfSize = 42;

    // A tile has at least the markers of one part: SOT with its ten bytes, and SOD.
    private const int LeastOfATile = 14;

    // A decoder keeps an account of each block of 64 x 64 coefficients of a tile, in some hundreds of bytes: of a tile larger than this
    // the file must have a byte for each. Nothing but a picture of one grey has fewer.
    private const double SamplesOfALargeTile = 1e8;
    private const double SamplesOfABlock = 64 * 64;

    private readonly string path;
    private readonly Stream stream;

    private Jpeg2000File(string path, Stream stream) => (this.path, this.stream) = (path, stream);

    /// <summary>Whether a file begins so, as a file of boxes or as a bare code stream.</summary>
    public static bool IsOne(ReadOnlySpan<byte> head) =>
        (head.Length >= 12 && head[4..8].SequenceEqual("jP  "u8)) || head.StartsWith((ReadOnlySpan<byte>)[0xff, 0x4f, 0xff, 0x51]);

    /// <summary>Refuses a file that is cut short or claims what it cannot hold.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ImageFormatException">It is damaged; the message says how.</exception>
    public static void Check(string path)
    {
        using var stream = File.OpenRead(path);
        new Jpeg2000File(path, stream).Check();
    }

    private void Check()
    {
        var (start, end) = CodeStream();
        if (end > stream.Length)
            throw Damaged($"its pixels reach to byte {end}, but the file ends at byte {stream.Length}: it is cut short");
        var head = Bytes(start, HeaderOfSize);
        if (Word(head, 0) != Start || Word(head, 2) != Size)
            throw Damaged("its code stream does not begin as one");
        var (width, height) = ((long)Number(head, 8) - Number(head, 16), (long)Number(head, 12) - Number(head, 20));
        var (tileWidth, tileHeight) = ((long)Number(head, 24), (long)Number(head, 28));
        if (width <= 0 || height <= 0 || tileWidth <= 0 || tileHeight <= 0)
            throw Damaged($"it claims {width} x {height} (width x height) pixels in tiles of {tileWidth} x {tileHeight}");
        var tiles = Math.Ceiling((double)width / tileWidth) * Math.Ceiling((double)height / tileHeight);
        var samples = (double)Math.Min(width, tileWidth) * Math.Min(height, tileHeight) * Word(head, 40);
        var least = Math.Max(tiles * LeastOfATile, samples > SamplesOfALargeTile ? samples / SamplesOfABlock : 0);
        if (least > end - start)
            throw Damaged($"it claims {width} x {height} (width x height) pixels in {tiles:0} tile(s), which its {end - start} bytes cannot hold");
        if (Word(Bytes(end - 2, 2), 0) != End)
            throw Damaged("its code stream does not end as one: it is cut short");
    }

    /// <summary>First byte of the code stream, and the one behind its last.</summary>
    private (long Start, long End) CodeStream()
    {
        if (Word(Bytes(0, 2), 0) == Start)
            return (0, stream.Length);
        for (long at = 0; at + 8 <= stream.Length;)
        {
            var head = Bytes(at, 8);
            long length = Number(head, 0);
            var header = 8;
            if (length == 1)
            {
                header = 16;
                length = (long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(Bytes(at + 8, 8)), long.MaxValue / 2);
            }

            // The last box may reach to the end, wherever that is.
            var end = length == 0 ? stream.Length : at + length;
            if (end < at + header)
                throw Damaged($"the box at byte {at} says that it has {length} bytes");
            if (Number(head, 4) == CodeStreamBox)
                return (at + header, end);
            at = end;
        }

        throw Damaged("it has no code stream: it is cut short");
    }

    private byte[] Bytes(long at, int count)
    {
        var bytes = new byte[count];
        stream.Position = at;
        if (stream.ReadAtLeast(bytes, count, throwOnEndOfStream: false) < count)
            throw Damaged($"byte {at + count} is missing, since the file ends at byte {stream.Length}: it is cut short");
        return bytes;
    }

    private static ushort Word(byte[] bytes, int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at));

    private static uint Number(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));

    private ImageFormatException Damaged(string how) =>
        new(path, $"this JPEG 2000 file is damaged: {how}; copy or export it again.");
}
