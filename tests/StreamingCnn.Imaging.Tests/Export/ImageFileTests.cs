using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Tests.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Export;

public sealed class ImageFileTests
{
    [Theory]
    [InlineData("a.png", 1, 1)]
    [InlineData("a [x].png", 3, 1)]
    [InlineData("a.tif", 1, 3)]
    [InlineData("a.TIFF", 3, 3)]
    public void What_is_written_is_read_again(string name, int channels, int levels)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder.Path, name);
        var picture = AugmentationTests.Picture(613, 701)[0].narrow(0, 0, channels);
        using (var source = new TensorImageSource(picture))
            ImageFile.Write(source, path);
        Assert.Equal(levels, ImageInfo.Read(path).Levels.Count);
        using var again = ImageSource.Open(path);
        Assert.True(Windows.Same(picture.unsqueeze(0), again.Read(0, 0, 613, 701)));
        Assert.Equal([name], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_source_that_fails_leaves_the_old_file_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("a.png", "old");
        using var source = new FailingSource();
        Assert.Throws<ImageFormatException>(() => ImageFile.Write(source, path));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var source = new TensorImageSource(zeros([1, 4, 4], ScalarType.Byte));
        var path = Path.Combine(folder.Path, "no", "a.png");
        var error = Assert.Throws<IOException>(() => ImageFile.Write(source, path));
        Assert.Equal($"'{path}' cannot be written: there is no folder '{Path.Combine(folder.Path, "no")}'.", error.Message);
    }

    [Theory]
    [InlineData("wsi/CMU-1-Small-Region.svs", 200, 200, 150)]
    [InlineData("tiff/landsat-uint16-2658x2667-cog.tif", 100, 100, 100)]
    [InlineData("tiff/float32-grey-deflate-512x384.tif", 1000, 384, 512)]
    public void A_thumbnail_is_bytes_that_use_the_range(string name, int side, long height, long width)
    {
        using var scope = NewDisposeScope();
        using var thumbnail = Thumbnail.Read(ImageInfo.Read(SampleFiles.Get(name)), side);
        Assert.Equal((height, width), (thumbnail.Height, thumbnail.Width));
        var pixels = thumbnail.Read(0, 0, height, width);
        Assert.Equal(ScalarType.Byte, pixels.dtype);
        Assert.InRange(pixels.max().ToInt32() - pixels.min().ToInt32(), 150, 255);
    }

    private sealed class FailingSource : IImageSource
    {
        public int Channels => 1;

        public long Height => 20000;

        public long Width => 1000;

        public Tensor Read(long top, long left, long height, long width) =>
            top == 0 ? zeros([1, 1, height, width], ScalarType.Byte) : throw new ImageFormatException("x.tif", "a tile is damaged.");

        public void Dispose()
        {
        }
    }
}
