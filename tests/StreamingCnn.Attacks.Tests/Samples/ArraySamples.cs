using System.Text;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>NumPy arrays.</summary>
internal static class ArraySamples
{
    public static IReadOnlyList<Sample> All() =>
    [
        new("bytes.npy", File(Header("|u1", "(12, 10, 3)"), 360)),
        new("words.npy", File(Header("<u2", "(12, 10)"), 240)),
        new("floats.npy", File(Header("<f4", "(12, 10, 1)"), 480)),
        new("doubles.npy", File(Header("<f8", "(3, 10)"), 240)),
        new("header.npy", Encoding.ASCII.GetBytes(Header("|u1", "(12, 10, 3)")), header => File(Encoding.Latin1.GetString(header), 360)),
        Harmful("objects", Header("|O", "(2, 2)"), 32),
        Harmful("huge", Header("|u1", "(9223372036854775807, 9223372036854775807, 9223372036854775807)"), 9),
        Harmful("beyond-64-bits", Header("|u1", "(99999999999999999999999, 1)"), 9),
        Harmful("wrapping", Header("<f8", "(4611686018427387904, 4)"), 9),
        Harmful("many-channels", Header("|u1", "(1, 1, 2147483648)"), 9),
        Harmful("no-size", Header("|u1", "(0, 5, 3)"), 0),
        Harmful("many-axes", Header("|u1", $"({string.Join(", ", Enumerable.Repeat("1", 15_000))})"), 1),
        Harmful("wide-value", Header("|u999999999999999999999", "(2, 2)"), 4),
        Harmful("spaces", Header("|u1", $"({new string(' ', 60_000)})"), 4),
    ];

    private static Sample Harmful(string name, string header, int bytes) => new($"{name}.npy", File(header, bytes), IsHarmful: true);

    private static string Header(string type, string shape) =>
        $"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";

    private static byte[] File(string header, int bytes) =>
    [
        0x93, .. "NUMPY"u8, 1, 0, .. BitConverter.GetBytes((ushort)header.Length), .. Encoding.Latin1.GetBytes(header),
        .. Enumerable.Range(0, bytes).Select(i => (byte)i),
    ];
}
