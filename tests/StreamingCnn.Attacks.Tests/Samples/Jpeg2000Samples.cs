using System.Buffers.Binary;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>JPEG 2000 images as GDAL's program writes them; none where that is not installed.</summary>
internal static class Jpeg2000Samples
{
    private static readonly (string Name, string[] Options)[] Kinds =
    [
        ("boxes.jp2", ["-co", "BLOCKXSIZE=32", "-co", "BLOCKYSIZE=32"]),
        ("place.jp2", ["-a_srs", "EPSG:32633", "-a_ullr", "400000", "5800020", "401000", "5799220", "-co", "REVERSIBLE=YES", "-co", "QUALITY=100"]),
        ("stream.j2k", ["-co", "CODEC=J2K", "-co", "REVERSIBLE=YES", "-co", "QUALITY=100"]),
    ];

    public static IReadOnlyList<Sample> All()
    {
        using var folder = new TemporaryFolder();
        var (source, sound) = (folder.File("picture.tif"), new List<Sample>());
        PhotographSamples.Picture().Tiffsave(source);
        foreach (var (name, options) in Kinds)
        {
            if (!GdalTools.TryTranslate(source, folder.File(name), ["-of", "JP2OpenJPEG", .. options]))
                return [];
            sound.Add(new(name, File.ReadAllBytes(folder.File(name))));
        }

        return [.. sound, .. Claims(sound[^1].Bytes)];
    }

    /// <summary>Sizes that the bytes of a stream cannot hold, or hold as nothing but grey.</summary>
    private static IEnumerable<Sample> Claims(byte[] stream)
    {
        (uint, uint)[] sizes = [(uint.MaxValue, uint.MaxValue), (60_000, 60_000), (60_000, 1024), (30_000, 30_000), (8000, 64)];
        foreach (var (side, tile) in sizes)
        {
            var claim = stream.ToArray();
            foreach (var (at, value) in ((int, uint)[])[(8, side), (12, side), (24, tile), (28, tile)])
                BinaryPrimitives.WriteUInt32BigEndian(claim.AsSpan(at), value);
            yield return new($"claims-{side}-{tile}.j2k", claim, IsHarmful: true);
        }
    }
}
