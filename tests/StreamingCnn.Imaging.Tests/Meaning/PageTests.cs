using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Meaning;

public sealed class PageTests
{
    private const int Height = 64;
    private const int Width = 96;

    [Fact]
    public void Channels_of_the_case_are_joined()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(SharedFiles.Folder("cases"), "channels-in-pages-lost", "a.ome.tif");
        var reading = ImageReading.Of(path);
        Assert.Equal((3, 3, 1), (reading.Channels, reading.Info.Bands, reading.Info.Pages));
        Assert.Contains("3 channels in pages are joined", Remark(reading), StringComparison.Ordinal);
        using var image = ImageSource.Open(path);
        var pixels = image.Read(10, 20, 30, 40);
        for (var page = 0; page < 3; page++)
        {
            using var alone = ImageSource.Open(path, new ImageOptions { Page = page });
            Assert.Equal(1, alone.Channels);
            Assert.True(Windows.Same(alone.Read(10, 20, 30, 40), pixels.narrow(1, page, 1)));
        }

        Windows.AssertIndependent(image, samples: 5);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(16, false)]
    [InlineData(16, true)]
    public void Planes_are_found_by_the_order_of_dimensions(int tile, bool isImageJ)
    {
        // 2 depths and 3 channels; page by page the depth changes first, in ImageJ the channel.
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var pages = Enumerable.Range(0, 6).Select(page => Plane(page, tile)).ToArray();
        pages[0].Text(
            270, isImageJ ? "ImageJ=1.53k\nimages=6\nchannels=3\nslices=2\nhyperstack=true\n" : Ome("XYZCT", 3, 2, "<TiffData/>"));
        var path = TaggedTiff.Write(folder.File("a.tif"), pages);
        using var image = ImageSource.Open(path);
        Assert.Equal((byte[])(isImageJ ? [0, 1, 2] : [0, 2, 4]), image.Read(0, 0, 1, 1)[0, .., 0, 0].data<byte>().ToArray());
        Assert.Contains("of 2 depths only the first is read", Remark(ImageReading.Of(path)), StringComparison.Ordinal);
        Windows.AssertIndependent(image, samples: 5);
    }

    [Fact]
    public void Planes_are_found_where_the_metadata_place_them()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var blocks = "<TiffData FirstC='0' IFD='2' PlaneCount='1'><UUID FileName='old-name.tif'>urn:uuid:1</UUID></TiffData>"
            + "<TiffData FirstC='1' IFD='0'/>";
        var path = TaggedTiff.Write(folder.File("a.tif"), Plane(0, 16).Text(270, Ome("XYCZT", 2, 1, blocks)), Plane(1, 16), Plane(2, 16));
        using var image = ImageSource.Open(path);
        Assert.Equal([2, 0], image.Read(0, 0, 1, 1)[0, .., 0, 0].data<byte>().ToArray());
    }

    [Fact]
    public void Levels_of_each_channel_are_joined()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var pages = Enumerable.Range(0, 3).Select(page => Plane(page, 16) with
        {
            Smaller = [TaggedTiff.Of(Height / 2, Width / 2, 1, (_, _, _) => (byte)(100 + page), 16).Shorts(254, 1)],
        }).ToArray();
        pages[0].Text(270, Ome("XYCZT", 3, 1, "<TiffData/>"));
        var path = TaggedTiff.Write(folder.File("a.tif"), pages);
        Assert.Equal(2, ImageInfo.Read(path).Levels.Count);
        using var image = ImageSource.Open(path, new ImageOptions { Downsample = 2 });
        Assert.Equal((3, Height / 2, Width / 2), (image.Channels, image.Height, image.Width));
        Assert.Equal([100, 101, 102], image.Read(3, 3, 1, 1)[0, .., 0, 0].data<byte>().ToArray());
    }

    [Fact]
    public void Pages_that_are_not_read_are_told_and_can_be_asked_for()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var path = TaggedTiff.Write(folder.File("a.tif"), Plane(0), Plane(1), Plane(2));
        Assert.Equal("3 pages; only the first is read", Remark(ImageReading.Of(path)));
        Assert.Equal("page 2 of 3 is read", Remark(ImageReading.Of(path, new ImageOptions { Page = 2 })));
        using var last = ImageSource.Open(path, new ImageOptions { Page = 2 });
        Assert.Equal(2, last.Read(0, 0, 1, 1).item<byte>());
        var stack = TaggedTiff.Write(folder.File("b.tif"), Plane(0).Text(270, "ImageJ=1.5\nimages=4\nslices=4\n"));
        Assert.Equal("4 images behind one page; only the first is read", Remark(ImageReading.Of(stack)));
    }

    [Fact]
    public void Colours_in_one_page_are_no_channels_in_pages()
    {
        using var folder = new TemporaryFolder();
        var ome = Ome("XYCZT", 3, 1, "<TiffData/>").Replace("SamplesPerPixel='1'/><Channel", "SamplesPerPixel='3'/><Lost");
        var page = TaggedTiff.Of(Height, Width, 3, (y, x, band) => (byte)(y + x + band)).Text(270, ome);
        var reading = ImageReading.Of(TaggedTiff.Write(folder.File("a.tif"), page));
        Assert.Equal((3, 1), (reading.Channels, reading.Info.Pages));
    }

    [Fact]
    public void Channels_that_cannot_be_joined_are_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        var elsewhere = TaggedTiff.Write(
            folder.File("a.tif"),
            Plane(0).Text(270, Ome(
                "XYCZT", 2, 1, "<TiffData IFD='0' FirstC='0'/>"
                + "<TiffData IFD='0' FirstC='1'><UUID FileName='b.tif'>urn:uuid:2</UUID></TiffData>")));
        Assert.Contains("channel 1 is in no page of this file", Refusal(elsewhere), StringComparison.Ordinal);
        var small = TaggedTiff.Of(8, 8, 1, (_, _, _) => (byte)1);
        Assert.Contains(
            "several sizes",
            Refusal(TaggedTiff.Write(folder.File("b.tif"), Plane(0).Text(270, Ome("XYCZT", 2, 1, "<TiffData/>")), small)),
            StringComparison.Ordinal);
        Assert.Contains(
            "6 images of 3 channels behind 1 page",
            Refusal(TaggedTiff.Write(folder.File("c.tif"), Plane(0).Text(270, "ImageJ=1.5\nimages=6\nchannels=3\nslices=2\n"))),
            StringComparison.Ordinal);
        Assert.Equal(1, ImageSource.Channels(elsewhere, new ImageOptions { Page = 0 }));

        static string Refusal(string path) => Assert.Throws<ImageFormatException>(() => ImageSource.Open(path)).Message;
    }

    private static TaggedTiff Plane(int value, int tile = 0) =>
        TaggedTiff.Of(Height, Width, 1, (y, x, _) => (byte)(value + (y * 2) + (x / 2)), tile);

    private static string Remark(ImageReading reading) => reading.Remarks.Single(remark => remark.Aspect == ImageAspect.Pages).Text;

    private static string Ome(string order, int channels, int depth, string blocks) =>
        "<OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06' UUID='urn:uuid:1'><Image ID='Image:0'>"
        + $"<Pixels ID='Pixels:0' DimensionOrder='{order}' Type='uint8' "
        + $"SizeX='{Width}' SizeY='{Height}' SizeC='{channels}' SizeZ='{depth}' SizeT='1'>"
        + $"{string.Concat(Enumerable.Range(0, channels).Select(_ => "<Channel SamplesPerPixel='1'/>"))}{blocks}</Pixels></Image></OME>";
}
