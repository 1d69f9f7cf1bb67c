using System.IO.Compression;

namespace StreamingCnn.Imaging;

/// <summary>Unpacks the blocks of TIFF files whose codecs pack bytes, whatever they mean.</summary>
/// <remarks>LZW, PackBits: TIFF 6.0, sections 13 and 9. Deflate: RFC 1950.</remarks>
internal static class TiffCodec
{
    private const int Clear = 256;
    private const int End = 257;
    private const int Codes = 4096;

    /// <summary>
    /// Whether a block was packed by LZW the other way round, as before 1990: it starts with the low bits of the code for clearing the
    /// table.
    /// </summary>
    public static bool IsOldLzw(int compression, ReadOnlySpan<byte> coded) =>
        compression == 5 && coded is [0, var second, ..] && (second & 1) != 0;

    /// <summary>Fills an array with what a block holds.</summary>
    /// <param name="compression">Value of the tag.</param>
    /// <param name="coded">The block.</param>
    /// <param name="bytes">Of the length that the block must have; anything beyond is left away.</param>
    /// <returns>How many bytes there were: fewer than wanted in a damaged block.</returns>
    public static int Unpack(int compression, byte[] coded, Span<byte> bytes) => compression switch
    {
        5 => Lzw(coded, bytes),
        32773 => PackBits(coded, bytes),
        _ => Inflate(coded, bytes),
    };

    private static int Inflate(byte[] coded, Span<byte> bytes)
    {
        using var stream = new ZLibStream(new MemoryStream(coded), CompressionMode.Decompress);
        try
        {
            return stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException)
        {
            return 0;
        }
    }

    private static int PackBits(ReadOnlySpan<byte> coded, Span<byte> bytes)
    {
        var (at, done) = (0, 0);
        while (done < bytes.Length && at < coded.Length)
        {
            int code = (sbyte)coded[at++];
            if (code == -128)
                continue;
            var count = Math.Min(code >= 0 ? code + 1 : 1 - code, bytes.Length - done);
            if (at + (code >= 0 ? count : 1) > coded.Length)
                break;
            if (code >= 0)
                coded.Slice(at, count).CopyTo(bytes[done..]);
            else
                bytes.Slice(done, count).Fill(coded[at]);
            at += code >= 0 ? code + 1 : 1;
            done += count;
        }

        return done;
    }

    // A string of the table is one that was written before and the byte after it, so it is known by where it was written.
    private static int Lzw(ReadOnlySpan<byte> coded, Span<byte> bytes)
    {
        Span<int> starts = stackalloc int[Codes];
        Span<int> lengths = stackalloc int[Codes];
        var (next, width, previous) = (End + 1, 9, -1);
        var (held, bits, at, done) = (0u, 0, 0, 0);
        while (done < bytes.Length)
        {
            for (; bits < width; bits += 8)
            {
                if (at == coded.Length)
                    return done;
                held = (held << 8) | coded[at++];
            }

            bits -= width;
            var code = (int)(held >> bits) & ((1 << width) - 1);
            if (code == End)
                return done;
            if (code == Clear)
            {
                (next, width, previous) = (End + 1, 9, -1);
                continue;
            }

            // The string that the previous code stood for, with the first byte of this one, which now follows it in the output.
            if (previous >= 0 && next < Codes)
            {
                var length = previous < Clear ? 1 : lengths[previous];
                (starts[next], lengths[next]) = (done - length, length + 1);
                next++;
            }

            if (code > End && (code >= next || previous < 0))
                return done;
            if (code < Clear)
            {
                bytes[done++] = (byte)code;
            }
            else
            {
                // Byte by byte, since the newest string reaches one byte into what is being written.
                var end = Math.Min(lengths[code], bytes.Length - done);
                for (var i = 0; i < end; i++)
                    bytes[done++] = bytes[starts[code] + i];
            }

            previous = code;
            if (next + 1 >= 1 << width && width < 12)
                width++;
        }

        return done;
    }
}
