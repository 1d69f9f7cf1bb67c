using StreamingCnn.Imaging.Masks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Masks;

public sealed class TissueMaskTests
{
    [Fact]
    public void A_coloured_patch_on_white_is_found_with_its_box_and_share()
    {
        using var scope = NewDisposeScope();
        var picture = full([3, 400, 600], 240, ScalarType.Byte);
        picture.narrow(1, 100, 200).narrow(2, 150, 300)[1].fill_(90);
        using var thumbnail = new ResampledSource(new TensorImageSource(picture), 40, 60);
        var mask = TissueMask.Otsu(thumbnail, 400, 600);
        var box = mask.BoundingBox() ?? default;
        Assert.InRange(box.Top, 90, 100);
        Assert.InRange(box.Left, 140, 150);
        Assert.InRange(box.Top + box.Height, 300, 310);
        Assert.InRange(box.Left + box.Width, 450, 460);
        Assert.InRange(mask.ForegroundShare, 0.24, 0.28);
        Assert.True(mask[20, 30] && !mask[2, 2]);
    }

    [Fact]
    public void The_box_of_the_foreground_is_in_pixels_of_the_image_as_it_is_opened()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        string In(string name) => Path.Combine(folder.Path, name);
        var picture = full([3, 400, 600], 240, ScalarType.Byte);
        picture.narrow(1, 100, 200).narrow(2, 150, 300)[1].fill_(90);
        using (var image = new TensorImageSource(picture))
            Imaging.Export.ImageFile.Write(image, In("image.png"));
        var marks = zeros([1, 40, 60], ScalarType.Byte);
        marks.narrow(1, 10, 20).narrow(2, 30, 15).fill_(255);
        using (var image = new TensorImageSource(marks))
            Imaging.Export.ImageFile.Write(image, In("mask.png"));

        var whole = ForegroundRegion.Find(In("image.png"), ForegroundRule.Otsu);
        Assert.Equal((new ImageRegion(100, 150, 200, 300), 0.25, 0.25), (whole.Box, whole.BoxShare, whole.ForegroundShare));
        var half = ForegroundRegion.Find(In("image.png"), ForegroundRule.Otsu, options: new ImageOptions { Downsample = 2 });
        Assert.Equal(new ImageRegion(50, 75, 100, 150), half.Box);
        Assert.Equal(new ImageRegion(100, 300, 200, 150), ForegroundRegion.Find(In("image.png"), ForegroundRule.Mask, In("mask.png")).Box);
        var error = Assert.Throws<ImageFormatException>(() => ForegroundRegion.Find(In("image.png"), ForegroundRule.Mask));
        Assert.Contains("no mask is named for it", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mask_image_is_taken_as_it_is()
    {
        using var scope = NewDisposeScope();
        var marks = zeros([1, 10, 20], ScalarType.Byte);
        marks.narrow(1, 3, 2).narrow(2, 5, 4).fill_(1);
        using var mask = new TensorImageSource(marks);
        Assert.Equal(new ImageRegion(30, 50, 20, 40), TissueMask.From(mask, 100, 200).BoundingBox());
        using var nothing = new TensorImageSource(zeros([1, 10, 20], ScalarType.Byte));
        Assert.Null(TissueMask.From(nothing, 100, 200).BoundingBox());
    }

    [Fact]
    public void A_mask_file_larger_than_memory_should_hold_is_read_small()
    {
        var mask = TissueMask.FromFile(SampleFiles.Get("tiff/land-mask-36000x18000-cog.tif"), 18000, 36000);
        Assert.InRange(mask.Width, 2000, 2250);
        // Land covers 29 % of the earth's surface, and more of a map that stretches the poles.
        Assert.InRange(mask.ForegroundShare, 0.29, 0.45);
        var error = Assert.Throws<ImageFormatException>(() => TissueMask.FromFile(SampleFiles.Get("modes/bilevel1-512x384.png"), 512, 384));
        Assert.Contains("another shape", error.Message, StringComparison.Ordinal);
    }
}
