using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Attacks.Tests;

/// <summary>
/// Damages files: bits, numbers, cuts, splices, and changes that keep the structure of a text or a TIFF directory and
/// break its sense.
/// </summary>
internal static class Mutation
{
    private const int Longest = 1 << 20;

    // Most of the structure of most formats is at the start, that of zip files at the end.
    private const int Edge = 512;

    private static readonly ulong[] Extremes =
    [
        0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
        0xffffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
    ];

    private static readonly byte[][] Words =
    [
        .. new[]
        {
            "0", "-1", "1e309", "NaN", "Infinity", "1.5", "99999999999999999999",
            "9223372036854775807", "-9223372036854775808", "4294967296", "2147483648", "65536",
            "null", "true", "\"\"", "[]", "{}", "[[[[", "{\"a\":{\"a\":",
            "\"\u0000\"", "\\ud800", "'", "\"", ",", ";", "\t", "\r\n", "\ufeff", "é", "../", "/etc/passwd", "\u001b[31m", "%s%n", "",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    /// <summary>A damaged copy.</summary>
    /// <param name="bytes">What is damaged.</param>
    /// <param name="other">A file from which pieces may be taken.</param>
    /// <param name="random">Decides how.</param>
    public static byte[] Of(byte[] bytes, byte[] other, Random random)
    {
        var damaged = bytes.ToArray();
        for (var changes = 1 + random.Next(1 + random.Next(4)); changes > 0; changes--)
            damaged = Once(damaged, other, random);
        return damaged;
    }

    private static byte[] Once(byte[] bytes, byte[] other, Random random)
    {
        if (bytes.Length == 0)
            return [(byte)random.Next(256)];
        var at = Position(bytes.Length, random);
        switch (random.Next(11))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2 or 3:
                return Number(bytes, at, random);
            case 4:
                return bytes[..at];
            case 5:
                // A piece is left out.
                return [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + 1 + random.Next(64))..]];
            case 6:
                // A piece is there several times.
                var end = Math.Min(bytes.Length, at + 1 + random.Next(64));
                var times = random.Next(8) == 0 ? Math.Min(1000, Longest / (end - at)) : 1 + random.Next(3);
                return bytes.Length + (times * (end - at)) > Longest
                    ? bytes
                    : [.. bytes[..end], .. Enumerable.Repeat(bytes[at..end], times).SelectMany(piece => piece), .. bytes[end..]];
            case 7:
                // A piece comes from elsewhere.
                var from = other.Length == 0 ? 0 : random.Next(other.Length);
                var length = Math.Min(random.Next(200), Math.Min(other.Length - from, bytes.Length - at));
                other.AsSpan(from, length).CopyTo(bytes.AsSpan(at));
                return bytes;
            case 8 or 9:
                return Word(bytes, at, random);
            default:
                return Directory(bytes, random);
        }
    }

    private static int Position(int length, Random random) => random.Next(3) switch
    {
        0 => random.Next(length),
        1 => random.Next(Math.Min(length, Edge)),
        _ => length - 1 - random.Next(Math.Min(length, Edge)),
    };

    private static byte[] Number(byte[] bytes, int at, Random random)
    {
        var value = random.Next(4) == 0 ? (ulong)bytes.Length + (ulong)random.Next(-9, 10) : Extremes[random.Next(Extremes.Length)];
        Span<byte> all = stackalloc byte[8];
        var size = 1 << random.Next(1, 4);
        if (random.Next(2) == 0)
            BinaryPrimitives.WriteUInt64LittleEndian(all, value);
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(all, value);
            all = all[(8 - size)..];
        }

        at -= at % 2;
        all[..Math.Min(size, bytes.Length - at)].CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    /// <summary>Replaces the next number in a text.</summary>
    private static byte[] Word(byte[] bytes, int at, Random random)
    {
        var start = Array.FindIndex(bytes, at, IsDigit);
        if (start < 0)
            start = at;
        var end = start;
        while (end < bytes.Length && IsDigit(bytes[end]))
            end++;
        return [.. bytes[..start], .. Words[random.Next(Words.Length)], .. bytes[end..]];

        static bool IsDigit(byte value) => value is >= (byte)'0' and <= (byte)'9';
    }

    /// <summary>Changes one field of one entry of the first directory of a TIFF: its tag, its type, its count or its value.</summary>
    private static byte[] Directory(byte[] bytes, Random random)
    {
        if (bytes.Length < 26 || bytes[0] != bytes[1] || bytes[0] is not ((byte)'I' or (byte)'M'))
            return Number(bytes, Position(bytes.Length, random), random);
        var little = bytes[0] == 'I';
        var big = Read(2, 2) == 43;
        var directory = (long)Read(big ? 8 : 4, big ? 8 : 4);
        if (directory < 8 || directory + 2 > bytes.Length)
            return bytes;
        var (first, size) = big ? (directory + 8, 20) : (directory + 2, 12);
        var entry = first + (size * random.Next(1 + (int)Math.Min(Read((int)directory, 2), 30)));
        var (field, width) = random.Next(4) switch
        {
            0 => (0, 2),
            1 => (2, 2),
            2 => (4, big ? 8 : 4),
            _ => (big ? 12 : 8, big ? 8 : 4),
        };
        if (entry + size > bytes.Length)
            return bytes;
        var value = width == 2
            ? (ulong)random.Next(field == 0 ? 254 : 0, field == 0 ? 350 : 20)
            : random.Next(2) == 0 ? (ulong)random.Next(bytes.Length + 10) : Extremes[random.Next(Extremes.Length)];
        for (var i = 0; i < width; i++)
            bytes[entry + field + i] = (byte)(value >> (8 * (little ? i : width - 1 - i)));
        return bytes;

        ulong Read(int at, int count)
        {
            var read = 0ul;
            for (var i = 0; i < count; i++)
                read |= (ulong)bytes[at + i] << (8 * (little ? i : count - 1 - i));
            return read;
        }
    }
}
