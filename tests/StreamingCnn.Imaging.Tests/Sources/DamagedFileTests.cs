using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Tests.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

public sealed class DamagedFileTests
{
    [Theory]
    [InlineData("bad/bad-idat-byte.png", "damaged or cut short")]
    [InlineData("bad/header-only.tif", "damaged")]
    [InlineData("bad/huge-claimed-size.tif", "claims 2147483647 x 2147483647 pixels")]
    [InlineData("bad/ifd-offset-past-end.tif", "cut short")]
    [InlineData("bad/text-named.jpg", "text file")]
    [InlineData("bad/truncated-25pct.svs", "cut short")]
    [InlineData("bad/truncated-50pct-pyramid.tif", "cut short")]
    [InlineData("bad/truncated-60pct.jpg", "cut short")]
    [InlineData("bad/zero-length.jpg", "empty (0 bytes)")]
    [InlineData("bad/zero-length.tif", "empty (0 bytes)")]
    [InlineData("bad/zero-width.tif", "claims 0 x 96")]
    public void A_damaged_file_is_refused_when_opened_with_one_sentence(string name, string problem)
    {
        var path = SampleFiles.Get(name);
        var before = GC.GetTotalAllocatedBytes();
        var error = Assert.Throws<ImageFormatException>(() => ImageSource.Open(path).Dispose());
        AssertOneSentence(error, path, problem);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 16 << 20);
    }

    [Fact]
    public void A_short_tile_is_reported_when_it_is_read()
    {
        var path = SampleFiles.Get("bad/corrupt-cog-rasterio.tif");
        var error = Assert.Throws<ImageFormatException>(() =>
        {
            using var source = ImageSource.Open(path);
            source.Read(0, 0, source.Height, source.Width).Dispose();
        });
        AssertOneSentence(error, path, "damaged");
    }

    [Fact]
    public void A_check_finds_it_before()
    {
        var path = SampleFiles.Get("bad/corrupt-cog-rasterio.tif");
        AssertOneSentence(Assert.Throws<ImageFormatException>(() => ImageCheck.Read(path)), path, "damaged");
        ImageCheck.Read(SampleFiles.Get("tiff/land-mask-36000x18000-cog.tif"));
        ImageCheck.Read(SampleFiles.Get("tiff/cmu1-pyramid-jpeg-t256.tif"), everyPixel: true);
    }

    /// <summary>libvips takes such a tile for black and goes on.</summary>
    [Fact]
    public void A_tile_that_does_not_unpack_is_not_taken_for_black()
    {
        using var folder = new TemporaryFolder();
        var path = Tiled(folder, 300, 300);
        var bytes = File.ReadAllBytes(path);
        foreach (var place in Enumerable.Range(0, 20))
            bytes[1000 + (place * 37)] ^= 0xff;
        File.WriteAllBytes(path, bytes);
        AssertOneSentence(Assert.Throws<ImageFormatException>(() => ImageCheck.Read(path)), path, "damaged");
        using var source = ImageSource.Open(path);
        Assert.Throws<ImageFormatException>(() => source.Read(0, 0, 100, 100).Dispose());
        // The last tile is sound.
        Assert.NotEqual(0, source.Read(290, 290, 10, 10).max().ToByte());
    }

    [Fact]
    public void A_codec_that_is_missing_is_called_so()
    {
        using var folder = new TemporaryFolder();
        var path = Tiled(folder, 300, 300);
        // LERC, which the bundled library is built without: tag 259, a short, in each directory.
        var bytes = File.ReadAllBytes(path);
        for (var i = 0; i < bytes.Length - 20; i++)
        {
            if (bytes.AsSpan(i).StartsWith((ReadOnlySpan<byte>)[3, 1, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0]))
                BitConverter.TryWriteBytes(bytes.AsSpan(i + 12), (ushort)34887);
        }

        File.WriteAllBytes(path, bytes);
        AssertOneSentence(Assert.Throws<ImageFormatException>(() => ImageCheck.Read(path)), path, "does not decode");
    }

    [Fact]
    public void A_bare_array_must_be_as_long_as_its_layout()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("bare.raw", new string('x', 100));
        using (var source = ImageSource.OpenRaw(path, new RawLayout(5, 4, 5)))
            Assert.Equal((5, 5, 4), (source.Channels, source.Height, source.Width));
        AssertOneSentence(
            Assert.Throws<ImageFormatException>(() => ImageSource.OpenRaw(path, new RawLayout(5, 4, 5, Offset: 1))),
            path,
            "needs 101 bytes, but the file is cut short at 100");
        AssertOneSentence(Assert.Throws<ImageFormatException>(() => ImageSource.OpenRaw(path, new RawLayout(0, 4))), path, "is no image");
    }

    [Theory]
    [InlineData("bad/00-valid-base-for-tiff-edits.tif", 96, 128)]
    [InlineData("bad/jpeg-bytes-named.png", 384, 512)]
    [InlineData("bad/flipped-bytes.jpg", 384, 512)]
    public void A_sound_file_opens_by_its_content(string name, long height, long width)
    {
        using var source = ImageSource.Open(SampleFiles.Get(name));
        Assert.Equal((height, width), (source.Height, source.Width));
        using var pixels = source.Read(0, 0, height, width);
        Assert.NotEqual(pixels.min().ToByte(), pixels.max().ToByte());
    }

    [Fact]
    public void Missing_files_folders_and_lying_headers_are_refused()
    {
        using var folder = new TemporaryFolder();
        var missing = Path.Combine(folder.Path, "no.tif");
        AssertOneSentence(Assert.Throws<ImageFormatException>(() => ImageSource.Open(missing)), missing, "no such file");
        AssertOneSentence(Assert.Throws<ImageFormatException>(() => ImageSource.Open(folder.Path)), folder.Path, "folder");
        var png = Path.Combine(folder.Path, "huge.png");
        File.WriteAllBytes(png, [0x89, .. "PNG\r\n\x1a\n"u8, 0, 0, 0, 13, .. "IHDR"u8, 0, 1, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0]);
        AssertOneSentence(Assert.Throws<ImageFormatException>(() => ImageSource.Open(png)), png, "65536 x 65536");
    }

    private static string Tiled(TemporaryFolder folder, long height, long width)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder.Path, "tiles.tif");
        using var source = new TensorImageSource(AugmentationTests.Picture(height, width));
        ImageFile.Write(source, path);
        return path;
    }

    private static void AssertOneSentence(ImageFormatException error, string path, string problem)
    {
        Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain(". ", error.Problem, StringComparison.Ordinal);
    }
}
