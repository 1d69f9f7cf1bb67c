using System.Buffers.Binary;
using System.Security.Cryptography;

namespace StreamingCnn.Training;

/// <summary>
/// Tells contents of files apart by a bounded number of bytes: all of a file of up to 8 MiB; of a larger one its length
/// and 32 pieces of 64 KiB, the first and the last among them, where formats keep what changes with every pixel. Names
/// and times do not count.
/// </summary>
internal static class FileContent
{
    private const int PieceBytes = 64 << 10;
    private const int Pieces = 32;
    private const long WholeBytes = 8 << 20;
    private const int FingerprintBytes = 16;

    /// <summary>A fingerprint of some files together, in their order.</summary>
    /// <exception cref="IOException">One of them is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">One of them may not be read.</exception>
    public static string Of(IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[PieceBytes];
        foreach (var path in files.SelectMany(WithCompanions))
            Add(hash, path, buffer);
        return Convert.ToHexString(hash.GetHashAndReset()[..FingerprintBytes]);
    }

    /// <summary>A MIRAX slide keeps its pixels in a folder of its name beside it.</summary>
    private static IEnumerable<string> WithCompanions(string path)
    {
        yield return path;
        var folder = Path.ChangeExtension(path, null);
        if (!Path.GetExtension(path).Equals(".mrxs", StringComparison.OrdinalIgnoreCase) || !Directory.Exists(folder))
            yield break;
        foreach (var companion in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
            yield return companion;
    }

    private static void Add(IncrementalHash hash, string path, byte[] buffer)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, file.Length);
        hash.AppendData(length);
        if (file.Length <= WholeBytes)
        {
            while (file.Read(buffer) is > 0 and var count)
                hash.AppendData(buffer, 0, count);
            return;
        }

        for (var piece = 0; piece < Pieces; piece++)
        {
            file.Position = (file.Length - PieceBytes) * piece / (Pieces - 1);
            hash.AppendData(buffer, 0, file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false));
        }
    }
}
