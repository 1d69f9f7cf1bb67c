using System.Buffers.Binary;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>Slides in DICOM, which OpenSlide reads from version 4 on: a file for each level, found from any of them.</summary>
public sealed class DicomSlideTests : IDisposable
{
    private const int Side = 256;
    private const string Slide = "1.2.840.10008.5.1.4.1.1.77.1.6";
    private const string Uncompressed = "1.2.840.10008.1.2.1";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_slide_is_read_or_the_sentence_names_the_version()
    {
        var path = Write("large.dcm", 500, 700, "ORIGINAL\\PRIMARY\\VOLUME\\NONE", "1.2.3.10", "0.0005");
        Write("small.dcm", 250, 350, "DERIVED\\PRIMARY\\VOLUME\\RESAMPLED", "1.2.3.11", "0.001");
        if (!OpenSlideNative.Available || OpenSlideNative.Version.StartsWith("3.", StringComparison.Ordinal))
        {
            var error = Assert.Throws<ImageFormatException>(() => ImageSource.Open(path));
            Assert.Contains("OpenSlide 4 or later is installed", error.Message, StringComparison.Ordinal);
            Assert.Contains(
                OpenSlideNative.Available ? $"there is OpenSlide {OpenSlideNative.Version} here" : "there is no OpenSlide here",
                error.Message,
                StringComparison.Ordinal);
            return;
        }

        using var scope = NewDisposeScope();
        var info = ImageInfo.Read(path);
        Assert.Equal(("OpenSlide (dicom)", 500, 700, 2, 0.5), (info.Format, info.Height, info.Width, info.Levels.Count, info.MicrometresPerPixel));
        for (var level = 0; level < 2; level++)
        {
            using var source = ImageSource.Open(path, new ImageOptions { Level = level });
            Windows.AssertIndependent(source);
            var window = source.Read(101, 57, 99, 250).to(ScalarType.Int32);
            for (var channel = 0; channel < 3; channel++)
                Assert.Equal(Pixel(130, 100, channel), window[0, channel, 29, 43].item<int>());
        }

        var bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(folder.File("cut.dcm"), bytes[..(bytes.Length / 2)]);
        var damage = Assert.Throws<ImageFormatException>(() => ImageCheck.Read(folder.File("cut.dcm"), everyPixel: true));
        Assert.Contains("damaged", damage.Message, StringComparison.Ordinal);
    }

    private static byte Pixel(int row, int column, int channel) => (byte)((row * (channel + 1)) + (column * 3));

    /// <summary>A level without compression, its tiles in rows.</summary>
    private string Write(string name, int height, int width, string kind, string id, string millimetres)
    {
        var (rows, columns) = ((height + Side - 1) / Side, (width + Side - 1) / Side);
        byte[] pixels =
        [
            .. from row in Enumerable.Range(0, rows)
               from column in Enumerable.Range(0, columns)
               from y in Enumerable.Range(row * Side, Side)
               from x in Enumerable.Range(column * Side, Side)
               from channel in Enumerable.Range(0, 3)
               select Pixel(y, x, channel),
        ];
        byte[] kinds = [.. Element(2, 1, "OB", [0, 1]), .. Text(2, 2, "UI", Slide), .. Text(2, 3, "UI", id), .. Text(2, 16, "UI", Uncompressed)];
        byte[] measures = Element(0x28, 0x9110, "SQ", Item(Text(0x28, 0x30, "DS", $"{millimetres}\\{millimetres}")));
        var path = folder.File(name);
        File.WriteAllBytes(path, [
            .. new byte[128], .. "DICM"u8, .. Element(2, 0, "UL", Number(kinds.Length, 4)), .. kinds,
            .. Text(8, 8, "CS", kind), .. Text(8, 0x16, "UI", Slide), .. Text(8, 0x18, "UI", id), .. Text(8, 0x60, "CS", "SM"),
            .. Text(0x20, 0xd, "UI", "1.2.3.9"), .. Text(0x20, 0xe, "UI", "1.2.3.8"), .. Text(0x20, 0x9311, "CS", "TILED_FULL"),
            .. Short(2, 3), .. Text(0x28, 4, "CS", "RGB"), .. Short(6, 0), .. Text(0x28, 8, "IS", $"{rows * columns}"),
            .. Short(0x10, Side), .. Short(0x11, Side), .. Short(0x100, 8), .. Short(0x101, 8), .. Short(0x102, 7), .. Short(0x103, 0),
            .. Element(0x48, 6, "UL", Number(width, 4)), .. Element(0x48, 7, "UL", Number(height, 4)),
            .. Element(0x48, 0x303, "UL", Number(1, 4)), .. Element(0x5200, 0x9229, "SQ", Item(measures)), .. Element(0x7fe0, 0x10, "OB", pixels),
        ]);
        return path;

        static byte[] Short(int tag, int value) => Element(0x28, tag, "US", Number(value, 2));

        static byte[] Item(byte[] content) => [.. Number(0xfffe, 2), .. Number(0xe000, 2), .. Number(content.Length, 4), .. content];

        static byte[] Text(int group, int tag, string type, string text) =>
            Element(group, tag, type, Encoding.ASCII.GetBytes(text.Length % 2 == 0 ? text : text + (type == "UI" ? '\0' : ' ')));
    }

    private static byte[] Element(int group, int tag, string type, byte[] value) =>
    [
        .. Number(group, 2), .. Number(tag, 2), .. Encoding.ASCII.GetBytes(type),
        .. type is "OB" or "SQ" ? [0, 0, .. Number(value.Length, 4)] : Number(value.Length, 2), .. value,
    ];

    private static byte[] Number(int value, int bytes)
    {
        var all = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(all, value);
        return all[..bytes];
    }
}
