using System.Buffers.Binary;
using System.Text;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Meaning;

public sealed class ProfileTests
{
    private const int Side = 64;

    [Fact]
    public void Levels_of_the_case_have_the_colours_of_level_0()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(SharedFiles.Folder("cases"), "colour-profile-of-first-level-only", "pyr.tif");
        using var large = ImageSource.Open(path, new ImageOptions { Level = 0 });
        using var small = ImageSource.Open(path, new ImageOptions { Level = 1 });
        var shrunk = nn.functional.avg_pool2d(large.Read(0, 0, large.Height, large.Width).to(ScalarType.Float32), 4);
        Assert.InRange(shrunk.sub(small.Read(0, 0, small.Height, small.Width)).abs().mean().item<float>(), 0, 6);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void The_profile_of_level_0_is_that_of_all(bool first, bool second)
    {
        // Smaller levels may lack the profile or have another; where level 0 has none there is none.
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var small = Colour(Side / 2).Shorts(254, 1);
        if (second)
            small.Bytes(34675, Profile(1.0));
        var large = Colour(Side) with { Smaller = [small] };
        if (first)
            large.Bytes(34675, Profile(3.0));
        var path = TaggedTiff.Write(folder.File("a.tif"), large);
        var colours = new[] { 0, 1 }.Select(level =>
        {
            using var image = ImageSource.Open(path, new ImageOptions { Level = level });
            return image.Read(5, 5, 1, 1).data<byte>().ToArray();
        }).ToArray();
        Assert.Equal(colours[0], colours[1]);
        Assert.Equal(!first, colours[0].SequenceEqual(new byte[] { 200, 120, 40 }));
    }

    [Theory]
    [InlineData("sRGB IEC61966-2.1", 2.2, true)]
    [InlineData("Nothing", 2.2, true)]
    [InlineData("linear sRGB", 1.0, false)]
    public void A_profile_is_known_by_what_it_does_and_not_by_its_name(string name, double gamma, bool isStandard)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var path = TaggedTiff.Write(folder.File("a.tif"), Colour(Side).Bytes(34675, Profile(gamma, name)));
        using var image = ImageSource.Open(path);
        var pixel = image.Read(0, 0, 1, 1).data<byte>().ToArray();
        var change = pixel.Zip(new byte[] { 200, 120, 40 }, (a, b) => Math.Abs(a - b)).Max();
        // A plain power of 2.2 is sRGB but for the darkest colours.
        Assert.InRange(change, isStandard ? 0 : 20, isStandard ? 8 : 255);
        Assert.Contains(
            name, ImageReading.Of(path).Remarks.Single(remark => remark.Aspect == ImageAspect.Profile).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_profile_is_told()
    {
        using var folder = new TemporaryFolder();
        var profile = Profile(3.0);
        byte[][] damages =
        [
            profile[..100],
            profile[..200],
            [.. profile[..36], .. "xxxx"u8, .. profile[40..]],
            new byte[300],
            [.. profile[..240], .. new byte[profile.Length - 240]],
        ];
        foreach (var (i, damaged) in damages.Index())
        {
            var path = TaggedTiff.Write(folder.File($"{i}.tif"), Colour(Side).Bytes(34675, damaged));
            var error = Assert.Throws<ImageFormatException>(() => ImageSource.Open(path));
            Assert.Contains("its colour profile is damaged", error.Message, StringComparison.Ordinal);
            ImageSource.Open(path, new ImageOptions { ApplyColourProfile = false }).Dispose();
        }
    }

    private static TaggedTiff Colour(int side) => TaggedTiff.Of(side, side, 3, (_, _, band) => (byte)(200 - (80 * band)), 16);

    /// <summary>A profile of version 2 with the primaries of sRGB and a power as its curve.</summary>
    private static byte[] Profile(double gamma, string name = "A test's profile")
    {
        byte[] Xyz(params double[] values) => [.. "XYZ \0\0\0\0"u8, .. values.SelectMany(value => Big((int)Math.Round(value * 65536)))];
        byte[] curve =
        [
            .. "curv\0\0\0\0"u8, .. Big(1),
            (byte)Math.Round(gamma * 256 / 256 - 0.5), (byte)Math.Round((gamma - Math.Floor(gamma)) * 256), 0, 0,
        ];
        curve[12] = (byte)Math.Floor(gamma);
        var description = (byte[])[.. "desc\0\0\0\0"u8, .. Big(name.Length + 1), .. Encoding.ASCII.GetBytes(name), .. new byte[79]];
        var tags = new (string Name, byte[] Data)[]
        {
            ("desc", description), ("cprt", [.. "text\0\0\0\0none\0\0\0\0"u8]), ("wtpt", Xyz(0.9642, 1, 0.8249)),
            ("rXYZ", Xyz(0.4360, 0.2225, 0.0139)), ("gXYZ", Xyz(0.3851, 0.7169, 0.0971)), ("bXYZ", Xyz(0.1431, 0.0606, 0.7139)),
            ("rTRC", curve), ("gTRC", curve), ("bTRC", curve),
        };
        var table = new List<byte>(Big(tags.Length));
        var data = new List<byte>();
        foreach (var (tag, bytes) in tags)
        {
            table.AddRange([.. Encoding.ASCII.GetBytes(tag), .. Big(132 + (12 * tags.Length) + data.Count), .. Big(bytes.Length)]);
            data.AddRange([.. bytes, .. new byte[(4 - (bytes.Length % 4)) % 4]]);
        }

        var header = new byte[128];
        Big(128 + table.Count + data.Count).CopyTo(header, 0);
        "\x02\x10\0\0mntrRGB XYZ "u8.CopyTo(header.AsSpan(8));
        "acsp"u8.CopyTo(header.AsSpan(36));
        Xyz(0.9642, 1, 0.8249)[8..].CopyTo(header, 68);
        return [.. header, .. table, .. data];
    }

    private static byte[] Big(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
