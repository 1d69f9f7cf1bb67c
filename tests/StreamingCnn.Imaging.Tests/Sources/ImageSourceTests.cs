using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

public sealed class ImageSourceTests
{
    [Theory]
    [InlineData("modes/bilevel1-512x384.png", 1, 384, 512)]
    [InlineData("modes/cmyk-adobe-100x100.jpg", 3, 100, 100)]
    [InlineData("modes/cmyk-he-1000x800.jpg", 3, 800, 1000)]
    [InlineData("modes/grey16-512x384.png", 1, 384, 512)]
    [InlineData("modes/grey8-camera-512x512.png", 1, 512, 512)]
    [InlineData("modes/grey8-he-512x384.jpg", 1, 384, 512)]
    [InlineData("modes/la8-512x384.png", 1, 384, 512)]
    [InlineData("modes/palette-512x384.png", 3, 384, 512)]
    [InlineData("modes/rgb16-512x384.png", 3, 384, 512)]
    [InlineData("modes/rgb8-444-512x384.jpg", 3, 384, 512)]
    [InlineData("modes/rgb8-exif-orientation6-512x384.jpg", 3, 512, 384)]
    [InlineData("modes/rgb8-progressive-512x384.jpg", 3, 384, 512)]
    [InlineData("modes/rgba8-he-512x384.png", 3, 384, 512)]
    [InlineData("photo/blue-marble-5400x2700.jpg", 3, 2700, 5400)]
    [InlineData("photo/fundus-IDRiD_04-3798x2848.jpg", 3, 2848, 3798)]
    [InlineData("photo/sentinel2-T33UVP-20150810-1098x1098.png", 3, 1098, 1098)]
    [InlineData("tiff/cmu1-half-pyramid-deflate-bigtiff-t128.tif", 3, 1484, 1110)]
    [InlineData("tiff/cmu1-pyramid-jpeg-t256.tif", 3, 2967, 2220)]
    [InlineData("tiff/cmu1-pyramid-subifd-jpeg-t512.tif", 3, 2967, 2220)]
    [InlineData("tiff/float32-grey-deflate-512x384.tif", 1, 384, 512)]
    [InlineData("tiff/landsat-uint16-2658x2667-cog.tif", 1, 2667, 2658)]
    [InlineData("tiff/multipage-2x-512x384.tif", 3, 384, 512)]
    [InlineData("tiff/rgb8-bigendian-512x384.tif", 3, 384, 512)]
    [InlineData("tiff/rgba-landsat-791x718.tif", 3, 718, 791)]
    [InlineData("wsi/CMU-1-Small-Region.svs", 3, 2967, 2220)]
    public void A_file_opens_with_its_size_and_windows_that_agree(string name, int channels, long height, long width)
    {
        using var source = ImageSource.Open(SampleFiles.Get(name));
        Assert.Equal((channels, height, width), (source.Channels, source.Height, source.Width));
        Assert.Equal(channels, ImageSource.Channels(SampleFiles.Get(name)));
        Windows.AssertIndependent(source, samples: 8);
    }

    /// <summary>The same crop was stored in many ways: each must decode to the pixels of the PNG.</summary>
    [Theory]
    [InlineData("tiff/rgb8-bigendian-512x384.tif")]
    [InlineData("tiff/rgb8-planar-separate-deflate-512x384.tif")]
    [InlineData("tiff/rgb8-strips-lzw-pred-512x384.tif")]
    [InlineData("tiff/rgb8-strips-uncompressed-512x384.tif")]
    [InlineData("tiff/multipage-2x-512x384.tif")]
    [InlineData("tiff/rgb16-deflate-512x384.tif")]
    [InlineData("modes/rgb16-512x384.png")]
    public void Lossless_files_of_one_picture_have_the_same_pixels(string name)
    {
        using var scope = NewDisposeScope();
        using var expected = ImageSource.Open(SampleFiles.Get("modes/rgb8-512x384.png"));
        using var actual = ImageSource.Open(SampleFiles.Get(name));
        var difference =
            (expected.Read(37, 51, 301, 403).to(ScalarType.Float32) - actual.Read(37, 51, 301, 403).to(ScalarType.Float32)).abs().max();
        // 16-bit files hold 257 times the 8-bit value, or that of a converter that rounds.
        Assert.InRange(difference.ToSingle(), 0, 0.51f);
        if (actual.Read(0, 0, 1, 1).dtype == ScalarType.Byte)
            Assert.Equal(0, difference.ToSingle());
    }

    [Fact]
    public void Alpha_is_flattened_over_white()
    {
        using var scope = NewDisposeScope();
        using var source = ImageSource.Open(SampleFiles.Get("tiff/rgba-landsat-791x718.tif"));
        using var loaded = NetVips.Image.NewFromFile(SampleFiles.Get("tiff/rgba-landsat-791x718.tif"));
        var pixels = source.Read(0, 0, source.Height, source.Width);
        var (seen, opaque) = (0, 0);
        for (var i = 0; i < 700; i += 7)
        {
            var stored = loaded[i, i];
            for (var c = 0; c < 3; c++)
            {
                var expected = ((stored[c] * stored[3]) + (255 * (255 - stored[3]))) / 255;
                Assert.InRange(pixels[0, c, i, i].ToByte() - expected, -1, 1);
            }

            _ = stored[3] == 255 ? opaque++ : seen++;
        }

        Assert.True(seen > 0 && opaque > 0);
    }

    [Fact]
    public void Channels_convert_between_grey_and_colour()
    {
        using var scope = NewDisposeScope();
        var colour = SampleFiles.Get("modes/rgb8-512x384.png");
        using var rgb = ImageSource.Open(colour);
        using var grey = ImageSource.Open(colour, new ImageOptions { Channels = 1 });
        using var wide = ImageSource.Open(SampleFiles.Get("modes/grey8-camera-512x512.png"), new ImageOptions { Channels = 3 });
        Assert.Equal((1, 3), (grey.Channels, wide.Channels));
        var weights = tensor([0.299f, 0.587f, 0.114f]).view(1, 3, 1, 1);
        var expected = (rgb.Read(0, 0, 100, 100).to(ScalarType.Float32) * weights).sum(1, keepdim: true);
        Assert.InRange((expected - grey.Read(0, 0, 100, 100).to(ScalarType.Float32)).abs().max().ToSingle(), 0, 0.51f);
        var window = wide.Read(10, 10, 50, 50);
        Assert.True(Windows.Same(window[0, 0], window[0, 1]) && Windows.Same(window[0, 0], window[0, 2]));
    }

    [Fact]
    public void An_embedded_profile_is_converted_from_unless_it_is_that_of_the_screen()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var plain = NetVips.Image.NewFromFile(SampleFiles.Get("modes/rgb8-512x384.png"));
        using var wide = plain.IccTransform("p3", inputProfile: "srgb");
        using var same = plain.IccTransform("srgb", inputProfile: "srgb");
        var (widePath, samePath) = (Path.Combine(folder.Path, "wide.tif"), Path.Combine(folder.Path, "same.png"));
        wide.Tiffsave(widePath);
        same.Pngsave(samePath);
        Tensor Pixels(string path, bool apply)
        {
            using var source = ImageSource.Open(path, new ImageOptions { ApplyColourProfile = apply });
            return source.Read(0, 0, 384, 512).to(ScalarType.Int16);
        }

        var expected = Pixels(SampleFiles.Get("modes/rgb8-512x384.png"), apply: true);
        // Two conversions, each rounded to whole numbers.
        Assert.InRange((Pixels(widePath, apply: true) - expected).abs().max().ToInt32(), 0, 3);
        Assert.InRange((Pixels(widePath, apply: false) - expected).abs().max().ToInt32(), 10, 255);
        Assert.True(Windows.Same(Pixels(samePath, apply: true), Pixels(samePath, apply: false)));
    }

    [Fact]
    public void Float_files_keep_their_values_and_sixteen_bits_come_on_the_scale_of_eight()
    {
        using var scope = NewDisposeScope();
        using var real = ImageSource.Open(SampleFiles.Get("tiff/float32-grey-deflate-512x384.tif"));
        using var rgb = ImageSource.Open(SampleFiles.Get("modes/rgb8-512x384.png"));
        using var raw = ImageSource.Open(SampleFiles.Get("tiff/landsat-uint16-2658x2667-cog.tif"), new ImageOptions { RawValues = true });
        using var scaled = ImageSource.Open(SampleFiles.Get("tiff/landsat-uint16-2658x2667-cog.tif"));
        var green = rgb.Read(5, 7, 90, 80)[0, 1].to(ScalarType.Float32) / 255;
        Assert.InRange((green - real.Read(5, 7, 90, 80)[0, 0]).abs().max().ToSingle(), 0, 1e-6f);
        var stored = raw.Read(900, 900, 300, 300);
        Assert.InRange(stored.max().ToSingle(), 1000, 7872);
        Assert.True((stored / 257f).allclose(scaled.Read(900, 900, 300, 300)));
    }

    [Fact]
    public void A_window_outside_the_image_is_refused_with_the_numbers()
    {
        using var source = ImageSource.Open(SampleFiles.Get("modes/rgb8-512x384.png"));
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => source.Read(300, 0, 100, 100));
        Assert.Contains("row 300, column 0 of 100 x 100", error.Message, StringComparison.Ordinal);
    }
}
