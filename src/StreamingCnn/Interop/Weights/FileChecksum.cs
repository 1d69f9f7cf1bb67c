using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace StreamingCnn.Interop.Weights;

/// <summary>
/// The checksum of a whole file, CRC-32C, which stands in the file's own header and counts as zeros there. It finds
/// every single bit that is not as it was written, wherever it is: in the header, in its free text, in the values.
/// </summary>
internal static class FileChecksum
{
    /// <summary>The name of the free text that holds it.</summary>
    public const string Name = "streamingcnn.crc32c";

    /// <summary>What stands in its place while it is not known.</summary>
    public const string Unknown = "00000000";

    /// <summary>Where the checksum stands in a header; null where it has none.</summary>
    public static int? Place(ReadOnlySpan<byte> header)
    {
        var name = "\"streamingcnn.crc32c\":\""u8;
        var at = header.IndexOf(name);
        return at < 0 || at + name.Length + Unknown.Length > header.Length ? null : at + name.Length;
    }

    /// <summary>Computes it from a file's first byte to its last.</summary>
    /// <param name="file">The file.</param>
    /// <param name="place">Where the checksum stands in it.</param>
    public static string Of(Stream file, long place)
    {
        file.Position = 0;
        var buffer = new byte[1 << 20];
        var checksum = uint.MaxValue;
        long start = 0;
        while (file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) is > 0 and var count)
        {
            for (var i = 0; i < Unknown.Length; i++)
            {
                if (place + i - start is >= 0 and var at && at < count)
                    buffer[at] = (byte)Unknown[i];
            }

            checksum = Add(checksum, buffer.AsSpan(0, count));
            start += count;
        }

        return (~checksum).ToString("x8", CultureInfo.InvariantCulture);
    }

    private static uint Add(uint checksum, ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            checksum = BitOperations.Crc32C(checksum, word);
        foreach (var value in bytes[(words.Length * sizeof(ulong))..])
            checksum = BitOperations.Crc32C(checksum, value);
        return checksum;
    }
}
