using TorchSharp;

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

    private static void AssertOneSentence(ImageFormatException error, string path, string problem)
    {
        Assert.StartsWith(path + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain(". ", error.Problem, StringComparison.Ordinal);
    }
}
