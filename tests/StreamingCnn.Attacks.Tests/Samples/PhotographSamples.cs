using System.Buffers.Binary;
using System.IO.Compression;
using NetVips;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>Photographs and masks.</summary>
internal static class PhotographSamples
{
    public static IReadOnlyList<Sample> All() =>
    [
        new("small.png", Small("png")),
        new("small.jpg", Small("jpg")),
        new("small.webp", Small("webp")),
        new("small.gif", Small("gif")),
        new("interlaced.png", Picture().PngsaveBuffer(interlace: true)),
        new("progressive.jpg", Picture().JpegsaveBuffer(interlace: true)),
        new("grey16.png", Picture()[0].Cast(Enums.BandFormat.Ushort).PngsaveBuffer(bitdepth: 16)),
        .. Bombs(),
    ];

    public static IReadOnlyList<Sample> Masks() =>
    [
        new("mask.png", (Picture()[0] > 128).PngsaveBuffer()), new("mask.tif", (Picture()[0] > 128).TiffsaveBuffer()), .. Bombs(),
    ];

    public static byte[] Small(string ending) => Picture().WriteToBuffer($".{ending}");

    /// <summary>A picture of 3 channels with edges and noise.</summary>
    public static Image Picture(int width = 50, int height = 40)
    {
        var noise = Image.Gaussnoise(width, height, sigma: 30, mean: 128, seed: 1);
        return noise.Bandjoin(noise.Rot180(), noise.Flip(Enums.Direction.Horizontal))
            .Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb);
    }

    private static IReadOnlyList<Sample> Bombs() =>
    [
        new("bomb.png", Png(20_000, 20_000, Zeros(20_001 * 2_000)), IsHarmful: true),
        new("claims.png", Png(int.MaxValue, int.MaxValue, Zeros(100)), IsHarmful: true),
        new("text-bomb.png", Png(4, 4, Zeros(20), Chunk("zTXt", [.. "a\0\0"u8, .. Zeros(100 << 20)])), IsHarmful: true),
        new("profile-bomb.png", Png(4, 4, Zeros(20), Chunk("iCCP", [.. "a\0\0"u8, .. Zeros(100 << 20)])), IsHarmful: true),
    ];

    private static byte[] Png(int width, int height, byte[] pixels, byte[]? more = null)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;
        return [0x89, .. "PNG\r\n\x1a\n"u8, .. Chunk("IHDR", header), .. more ?? [], .. Chunk("IDAT", pixels), .. Chunk("IEND", [])];
    }

    private static byte[] Chunk(string type, byte[] content)
    {
        byte[] summed = [.. System.Text.Encoding.ASCII.GetBytes(type), .. content];
        var sum = uint.MaxValue;
        foreach (var value in summed)
        {
            sum ^= value;
            for (var bit = 0; bit < 8; bit++)
                sum = (sum >> 1) ^ ((sum & 1) * 0xedb88320);
        }

        var chunk = new byte[summed.Length + 8];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        summed.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), ~sum);
        return chunk;
    }

    private static byte[] Zeros(int count)
    {
        using var packed = new MemoryStream();
        using (var zip = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            zip.Write(new byte[count]);
        return packed.ToArray();
    }
}
