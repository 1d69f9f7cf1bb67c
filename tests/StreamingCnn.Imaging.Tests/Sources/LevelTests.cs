using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

public sealed class LevelTests
{
    [Theory]
    [InlineData("tiff/cmu1-half-pyramid-deflate-bigtiff-t128.tif", 5)]
    [InlineData("tiff/cmu1-pyramid-jpeg-t256.tif", 5)]
    [InlineData("tiff/cmu1-pyramid-subifd-jpeg-t512.tif", 4)]
    [InlineData("tiff/landsat-uint16-2658x2667-cog.tif", 5)]
    [InlineData("tiff/land-mask-36000x18000-cog.tif", 7)]
    [InlineData("tiff/multipage-2x-512x384.tif", 1)]
    [InlineData("wsi/CMU-1-Small-Region.svs", 1)]
    [InlineData("photo/blue-marble-5400x2700.jpg", 1)]
    public void Levels_are_told_from_pages(string name, int levels)
    {
        var info = ImageInfo.Read(SampleFiles.Get(name));
        Assert.Equal(levels, info.Levels.Count);
        for (var i = 0; i < levels; i++)
            Assert.InRange(info.Levels[i].Downsample, Math.Pow(2, i) * 0.98, Math.Pow(2, i) * 1.02);
    }

    [Fact]
    public void A_slide_states_its_resolution_and_its_other_images()
    {
        var info = ImageInfo.Read(SampleFiles.Get("wsi/CMU-1-Small-Region.svs"));
        Assert.Equal(0.499, info.MicrometresPerPixel);
        Assert.Equal((240, 240), info.Tile);
        Assert.Equal(["thumbnail", "label", "macro"], info.AssociatedImages);
        Assert.Equal(1, info.Pages);
        Assert.Equal(2, ImageInfo.Read(SampleFiles.Get("tiff/multipage-2x-512x384.tif")).Pages);
    }

    [Theory]
    [InlineData("tiff/cmu1-pyramid-jpeg-t256.tif", null, 3.0)]
    [InlineData("tiff/cmu1-pyramid-subifd-jpeg-t512.tif", 2, null)]
    [InlineData("tiff/landsat-uint16-2658x2667-cog.tif", null, 5.5)]
    [InlineData("photo/fundus-1411x1411.jpg", null, 2.7)]
    public void Windows_agree_at_every_level_and_factor(string name, int? level, double? downsample)
    {
        using var source = ImageSource.Open(SampleFiles.Get(name), new ImageOptions { Level = level, Downsample = downsample });
        Windows.AssertIndependent(source, samples: 12);
    }

    [Fact]
    public void Micrometres_per_pixel_choose_the_size()
    {
        using var half = ImageSource.Open(SampleFiles.Get("wsi/CMU-1-Small-Region.svs"), new ImageOptions { MicrometresPerPixel = 0.5 });
        Assert.Equal((2967, 2220), (half.Height, half.Width));
        using var one = ImageSource.Open(SampleFiles.Get("wsi/CMU-1-Small-Region.svs"), new ImageOptions { MicrometresPerPixel = 1 });
        Assert.Equal((1481, 1108), (one.Height, one.Width));
        var photograph = SampleFiles.Get("photo/blue-marble-5400x2700.jpg");
        var error = Assert.Throws<ImageFormatException>(() => ImageSource.Open(photograph, new ImageOptions { MicrometresPerPixel = 1 }));
        Assert.Contains("does not state its resolution", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Halving_a_ramp_keeps_it_a_ramp_and_a_constant_stays_constant()
    {
        using var scope = NewDisposeScope();
        var ramp = arange(0, 200, 1, ScalarType.Float32).expand(1, 100, 200).contiguous();
        using var halved = new ResampledSource(new TensorImageSource(ramp), 50, 100);
        var expected = (arange(0, 100, 1, ScalarType.Float32) * 2 + 0.5)[TensorIndex.Slice(2, 98)];
        Assert.True(halved.Read(7, 2, 1, 96).flatten().allclose(expected, 1e-6, 1e-4));
        using var flat = new ResampledSource(new TensorImageSource(full([3, 61, 47], 201, ScalarType.Byte)), 23, 80);
        Assert.True(flat.Read(0, 0, 23, 80).eq(201).all().item<bool>());
    }

    [Fact]
    public void A_crop_is_the_same_pixels_elsewhere()
    {
        using var scope = NewDisposeScope();
        var path = SampleFiles.Get("tiff/cmu1-pyramid-jpeg-t256.tif");
        using var whole = ImageSource.Open(path);
        using var crop = ImageSource.Open(path, new ImageOptions { Crop = new ImageRegion(101, 203, 400, 300) });
        Assert.Equal((400, 300), (crop.Height, crop.Width));
        Assert.True(Windows.Same(whole.Read(111, 223, 50, 60), crop.Read(10, 20, 50, 60)));
    }

    [Fact]
    public void A_hamamatsu_slide_opens_through_OpenSlide_or_names_the_package()
    {
        var path = SampleFiles.Get("wsi/test3-DAPI-2-387.ndpi");
        if (!OpenSlideNative.Available)
        {
            var error = Assert.Throws<ImageFormatException>(() => ImageSource.Open(path));
            Assert.Contains("libopenslide0", error.Message, StringComparison.Ordinal);
            return;
        }

        var info = ImageInfo.Read(path);
        Assert.Equal((4864, 3968, 7), (info.Height, info.Width, info.Levels.Count));
        Assert.InRange(info.MicrometresPerPixel ?? 0, 0.22, 0.24);
        using var source = ImageSource.Open(path, new ImageOptions { Level = 2 });
        Windows.AssertIndependent(source);
    }

    [Fact]
    public void OpenSlide_and_the_bundled_decoder_agree_on_a_slide()
    {
        SampleFiles.RequireOpenSlide();
        using var scope = NewDisposeScope();
        var path = SampleFiles.Get("wsi/CMU-1-Small-Region.svs");
        using var bundled = ImageSource.Open(path, new ImageOptions { ApplyColourProfile = false });
        using var other = new OpenSlideContainer(path).OpenLevel(0, new ImageOptions());
        Assert.Equal((bundled.Height, bundled.Width), (other.Height, other.Width));
        var difference =
            (bundled.Read(333, 777, 901, 1003).to(ScalarType.Int16) - other.Read(333, 777, 901, 1003).to(ScalarType.Int16)).abs();
        Assert.InRange(difference.max().ToInt32(), 0, 4);
    }

    /// <summary>As OME-TIFF stores channels: a page each, each with its smaller levels in SubIFDs.</summary>
    [Fact]
    public void Every_page_has_its_own_levels()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder.Path, "channels.ome.tif");
        using var first = NetVips.Image.Black(600, 400) + 10;
        using var second = NetVips.Image.Black(600, 400) + 200;
        using var roll = first.Join(second, NetVips.Enums.Direction.Vertical).Cast(NetVips.Enums.BandFormat.Uchar);
        using var pages = roll.Mutate(image => image.Set(NetVips.GValue.GIntType, "page-height", 400));
        pages.Tiffsave(path, tile: true, tileWidth: 128, tileHeight: 128, pyramid: true, subifd: true);
        Assert.Equal(2, ImageInfo.Read(path).Pages);
        foreach (var (page, value) in ((int, byte)[])[(0, 10), (1, 200)])
        {
            using var small = ImageSource.Open(path, new ImageOptions { Page = page, Level = 1 });
            Assert.Equal((200, 300), (small.Height, small.Width));
            Assert.Equal(value, small.Read(150, 150, 1, 1).ToByte());
        }
    }

    [Fact]
    public void Arrays_are_read_through_a_map()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder.Path, "array.npy");
        Generators.ArrayFile.Write(path, 11, 13, 3);
        using var source = ImageSource.Open(path);
        Assert.Equal((3, 11, 13), (source.Channels, source.Height, source.Width));
        Assert.Equal((byte)(((2 * 13) + 5) * 3 + 1), source.Read(2, 5, 1, 1)[0, 1, 0, 0].ToByte());
        Windows.AssertIndependent(source);
    }
}
