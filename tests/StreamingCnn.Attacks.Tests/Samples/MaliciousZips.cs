using System.Buffers.Binary;
using System.IO.Compression;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>Zip files that ask for much.</summary>
internal static class MaliciousZips
{
    private const int CentralEntry = 46;

    public static IReadOnlyList<Sample> All =>
    [
        Harmful("zip-bomb", WeightSamples.Zip(CompressionLevel.Optimal, ("archive/data.pkl", new byte[100 << 20]))),
        Harmful("zip-bomb-beside", WeightSamples.Zip(
            CompressionLevel.Optimal, ("archive/data.pkl", "}."u8.ToArray()), ("archive/data/0", new byte[100 << 20]))),
        Harmful("zip-bomb-byteorder", WeightSamples.Zip(
            CompressionLevel.Optimal, ("archive/data.pkl", "}."u8.ToArray()), ("archive/byteorder", new byte[100 << 20]))),
        Harmful("zip-many-entries", WeightSamples.Zip(
            CompressionLevel.NoCompression, [.. Enumerable.Range(0, 8000).Select(i => ($"archive/data/{i}", Array.Empty<byte>()))])),
        Harmful("zip-two-pickles", WeightSamples.Zip(
            CompressionLevel.NoCompression, ("a/data.pkl", "}."u8.ToArray()), ("b/data.pkl", "}."u8.ToArray()))),
        Harmful("zip-outside", WeightSamples.Zip(CompressionLevel.NoCompression, ("../data.pkl", "}."u8.ToArray()))),
        Harmful("zip-overlapping", Overlapping(2000, 1 << 19)),
        Harmful("zip-without-entries", WeightSamples.Zip(CompressionLevel.NoCompression)),
    ];

    private static Sample Harmful(string name, byte[] bytes) => new($"{name}.pth", bytes, IsHarmful: true);

    /// <summary>A file of many storages, all of which are one and the same piece of it.</summary>
    private static byte[] Overlapping(int count, int size)
    {
        var tensors = string.Concat(Enumerable.Range(0, count).Select(i =>
            $"S't{i}'\nctorch._utils\n_rebuild_tensor_v2\n"
                + $"((S'storage'\nctorch\nFloatStorage\nS'{i}'\nS'cpu'\nI{size / 4}\ntQI0\n(I{size / 4}\nt(I1\ntI00\nNtRs"));
        var sound = WeightSamples.Zip(
            CompressionLevel.NoCompression,
            [
                ("archive/data.pkl", WeightSamples.Text($"(d{tensors}.")),
                ("archive/data/0", new byte[size]),
                .. Enumerable.Range(1, count - 1).Select(i => ($"archive/data/{i}", Array.Empty<byte>())),
            ]);
        var end = sound.AsSpan().LastIndexOf("PK\u0005\u0006"u8);
        var at = BinaryPrimitives.ReadInt32LittleEndian(sound.AsSpan(end + 16));
        byte[]? first = null;
        for (var i = 0; i <= count; i++)
        {
            var entry = sound.AsSpan(at, CentralEntry);
            if (i == 1)
                first = entry.ToArray();
            else if (i > 1)
            {
                // Sum, both lengths, and the place of the one that is stored.
                first.AsSpan(16, 12).CopyTo(entry[16..]);
                first.AsSpan(42, 4).CopyTo(entry[42..]);
            }

            at += CentralEntry
                + BinaryPrimitives.ReadUInt16LittleEndian(entry[28..])
                + BinaryPrimitives.ReadUInt16LittleEndian(entry[30..])
                + BinaryPrimitives.ReadUInt16LittleEndian(entry[32..]);
        }

        return sound;
    }
}
