using StreamingCnn.Imaging.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>Every sound file against a decoder that shares no code with ours, window by window, at odd places and of odd sizes.</summary>
public sealed class DecodedPixelsTests
{
    [Theory]
    [InlineData("modes/bilevel1-512x384.png", 0)]
    [InlineData("modes/grey16-512x384.png", 0)]
    [InlineData("modes/grey8-camera-512x512.png", 0)]
    [InlineData("modes/grey8-he-512x384.jpg", 0)]
    [InlineData("modes/la8-512x384.png", 1)]
    [InlineData("modes/palette-512x384.png", 0)]
    [InlineData("modes/rgb16-512x384.png", 0)]
    [InlineData("modes/rgb8-444-512x384.jpg", 0)]
    [InlineData("modes/rgb8-512x384.png", 0)]
    [InlineData("modes/rgb8-progressive-512x384.jpg", 0)]
    [InlineData("modes/rgba8-he-512x384.png", 1)]
    [InlineData("photo/blue-marble-5400x2700.jpg", 0)]
    [InlineData("photo/fundus-1411x1411.jpg", 0)]
    [InlineData("photo/fundus-IDRiD_04-3798x2848.jpg", 0)]
    [InlineData("photo/he-cmu1-2220x2967.jpg", 0)]
    [InlineData("photo/ihc-fhl2-512x512.png", 0)]
    [InlineData("photo/sentinel2-T33UVP-20150810-1098x1098.png", 0)]
    [InlineData("tiff/float32-grey-deflate-512x384.tif", 0)]
    [InlineData("tiff/multipage-2x-512x384.tif", 0)]
    [InlineData("tiff/rgb16-deflate-512x384.tif", 0)]
    [InlineData("tiff/rgb8-bigendian-512x384.tif", 0)]
    [InlineData("tiff/rgb8-planar-separate-deflate-512x384.tif", 0)]
    [InlineData("tiff/rgb8-strips-lzw-pred-512x384.tif", 0)]
    [InlineData("tiff/rgb8-strips-uncompressed-512x384.tif", 0)]
    [InlineData("tiff/rgba-landsat-791x718.tif", 1)]
    [InlineData("wsi/CMU-1-Small-Region.svs", 0)]
    [InlineData("wsi/test3-DAPI-2-387.ndpi", 0)]
    public void Windows_hold_the_pixels_of_another_decoder(string name, float tolerance) => Compare(name, 0, tolerance);

    [Theory]
    [InlineData("tiff/cmu1-half-pyramid-deflate-bigtiff-t128.tif", 5, 0)]
    [InlineData("tiff/cmu1-pyramid-jpeg-t256.tif", 5, 0)]
    [InlineData("tiff/cmu1-pyramid-subifd-jpeg-t512.tif", 4, 0)]
    [InlineData("tiff/landsat-uint16-2658x2667-cog.tif", 5, 0)]
    [InlineData("tiff/land-mask-36000x18000-cog.tif", 7, 0)]
    public void So_do_those_of_every_level(string name, int levels, float tolerance)
    {
        for (var level = 0; level < levels; level++)
            Compare(name, level, tolerance);
    }

    [Fact]
    public void A_picture_that_was_stored_lying_is_shown_upright()
    {
        var path = SampleFiles.Get("modes/rgb8-exif-orientation6-512x384.jpg");
        using var scope = NewDisposeScope();
        using var ours = ImageSource.Open(path);
        using var other = ReferenceImage.Open(path);
        var upright = other.Read(0, 0, other.Height, other.Width).rot90(-1, (2, 3));
        foreach (var (top, left, height, width) in Places(ours.Height, ours.Width))
            Assert.Equal(
                0, (upright.narrow(2, top, height).narrow(3, left, width) - ours.Read(top, left, height, width)).abs().max().ToSingle());
    }

    /// <summary>
    /// There is no one true conversion of inks to light: ours goes by a profile of a press, Skia's by arithmetic. What must agree is what
    /// is dark, light, red, green and blue.
    /// </summary>
    [Theory]
    [InlineData("modes/cmyk-adobe-100x100.jpg")]
    [InlineData("modes/cmyk-he-1000x800.jpg")]
    public void Inks_become_the_colours_that_another_decoder_shows(string name)
    {
        using var scope = NewDisposeScope();
        using var ours = ImageSource.Open(SampleFiles.Get(name));
        using var other = ReferenceImage.Open(SampleFiles.Get(name));
        Assert.Equal((3, other.Height, other.Width), (ours.Channels, ours.Height, ours.Width));
        var (a, b) = (ours.Read(0, 0, ours.Height, ours.Width).to(ScalarType.Float32), other.Read(0, 0, ours.Height, ours.Width));
        for (var channel = 0; channel < 3; channel++)
        {
            var both = stack([a[0, channel].flatten(), b[0, channel].flatten()]);
            Assert.InRange(corrcoef(both)[0, 1].ToSingle(), 0.97f, 1);
        }
    }

    private static void Compare(string name, int level, float tolerance)
    {
        var path = SampleFiles.GetDecodable(name);
        using var scope = NewDisposeScope();
        using var ours = ImageSource.Open(path, new ImageOptions { Level = level });
        using var other = ReferenceImage.Open(path, level);
        Assert.Equal((other.Height, other.Width), (ours.Height, ours.Width));
        var worst = 0f;
        foreach (var (top, left, height, width) in Places(ours.Height, ours.Width))
        {
            using var inner = NewDisposeScope();
            var expected = OverWhite(other.Read(top, left, height, width));
            if (ImageInfo.Read(path) is { Bits: 16 })
                expected /= 257;
            worst = Math.Max(worst, (expected - ours.Read(top, left, height, width)).abs().max().ToSingle());
        }

        Assert.InRange(worst, 0, tolerance);
    }

    private static IEnumerable<(long Top, long Left, long Height, long Width)> Places(long height, long width)
    {
        yield return (0, 0, 1, 1);
        yield return (height - 1, width - 1, 1, 1);
        (double, double, long)[] places =
            [(0, 0, 131), (0.37, 0.61, 257), (0.83, 0.09, 77), (0.5, 0.5, 311), (0.997, 0.991, 63)];
        foreach (var (y, x, side) in places)
        {
            var (h, w) = (Math.Min(side, height), Math.Min((side * 2) + 1, width));
            yield return ((long)(y * (height - h)), (long)(x * (width - w)), h, w);
        }
    }

    private static Tensor OverWhite(Tensor pixels)
    {
        var bands = pixels.shape[1];
        if (bands is not (2 or 4))
            return pixels;
        var alpha = pixels.narrow(1, bands - 1, 1) / 255;
        return (pixels.narrow(1, 0, bands - 1) * alpha) + (255 * (1 - alpha));
    }
}
