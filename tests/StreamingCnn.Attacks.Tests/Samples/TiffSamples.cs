using System.Buffers.Binary;
using NetVips;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>TIFF files: classic and big, in tiles and strips, in the usual compressions, and some that nobody would write.</summary>
internal static class TiffSamples
{
    public static IReadOnlyList<Sample> All()
    {
        var picture = PhotographSamples.Picture();
        return
        [
            new("strips.tif", picture.TiffsaveBuffer()),
            new("big.tif", picture.TiffsaveBuffer(bigtiff: true, tile: true, tileWidth: 16, tileHeight: 16)),
            new("tiles.tif", picture.TiffsaveBuffer(tile: true, tileWidth: 32, tileHeight: 16)),
            new("lzw.tif", picture.TiffsaveBuffer(
                compression: Enums.ForeignTiffCompression.Lzw, predictor: Enums.ForeignTiffPredictor.Horizontal,
                tile: true, tileWidth: 16, tileHeight: 16)),
            new("deflate.tif", picture.TiffsaveBuffer(compression: Enums.ForeignTiffCompression.Deflate)),
            new("jpeg.tif", picture.TiffsaveBuffer(
                compression: Enums.ForeignTiffCompression.Jpeg, tile: true, tileWidth: 16, tileHeight: 16)),
            new("pyramid.tif", PhotographSamples.Picture(200, 150).TiffsaveBuffer(
                compression: Enums.ForeignTiffCompression.Jpeg, tile: true, tileWidth: 64, tileHeight: 64, pyramid: true)),
            new("float.tif", picture[0].Cast(Enums.BandFormat.Float).TiffsaveBuffer(tile: true, tileWidth: 16, tileHeight: 16)),
            new("words.tif", picture[0].Cast(Enums.BandFormat.Ushort).TiffsaveBuffer()),
            new("bits.tif", (picture[0] > 128).TiffsaveBuffer(bitdepth: 1)),
            Harmful("overlapping-strips", Strips(50_000, 20_000, 1)),
            Harmful("directory-of-itself", Directory(8)),
            Harmful("claims", Tags(
                (256, 4, 1, int.MaxValue), (257, 4, 1, int.MaxValue), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
                (277, 3, 1, 1), (273, 4, 1, 8), (278, 4, 1, int.MaxValue), (279, 4, 1, 100))),
            Harmful("huge-tiles", Tags(
                (256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
                (277, 3, 1, 1), (322, 4, 1, 1 << 30), (323, 4, 1, 1 << 30), (324, 4, 1, 8), (325, 4, 1, 100))),
            Harmful("many-channels", Tags(
                (256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
                (277, 3, 1, 65535), (273, 4, 1, 8), (278, 4, 1, 64), (279, 4, 1, 100))),
            Harmful("counts", Tags((256, 4, -1, 8), (257, 4, -1, 8), (258, 3, -1, 8), (273, 4, -1, 8), (279, 4, -1, 8))),
            Harmful("tiny-tiles", Tags(
                (256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
                (277, 3, 1, 1), (322, 4, 1, 1), (323, 4, 1, 1), (324, 4, 1, 8), (325, 4, 1, 1))),
        ];
    }

    private static Sample Harmful(string name, byte[] bytes) => new($"{name}.tif", bytes, IsHarmful: true);

    /// <summary>An image whose strips of one row are all the same bytes of the file.</summary>
    private static byte[] Strips(int rows, int width, int rowsOfStrip)
    {
        var offsets = new byte[rows * 8];
        for (var i = 0; i < rows; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(offsets.AsSpan(4 * i), 8);
            BinaryPrimitives.WriteInt32LittleEndian(offsets.AsSpan(4 * (rows + i)), width);
        }

        var after = 8 + width;
        return File(
            [.. new byte[width], .. offsets],
            (256, 4, 1, width), (257, 4, 1, rows), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, rows, after), (277, 3, 1, 1), (278, 4, 1, rowsOfStrip), (279, 4, rows, after + (4 * rows)));
    }

    private static byte[] Directory(int next)
    {
        var file = Tags(
            (256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 4), (279, 4, 1, 16));
        var directory = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(4));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(file.Length - 4), next == 8 ? directory : next);
        return file;
    }

    private static byte[] Tags(params (ushort Tag, short Type, int Count, int Value)[] tags) => File(new byte[100], tags);

    /// <summary>A little-endian file: content from byte 8 on, then one directory.</summary>
    private static byte[] File(byte[] content, params (ushort Tag, short Type, int Count, int Value)[] tags)
    {
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write("II*\0"u8);
        writer.Write(8 + content.Length);
        writer.Write(content);
        writer.Write((short)tags.Length);
        foreach (var (tag, type, count, value) in tags)
        {
            writer.Write(tag);
            writer.Write(type);
            writer.Write(count);
            writer.Write(value);
        }

        writer.Write(0);
        return file.ToArray();
    }
}
