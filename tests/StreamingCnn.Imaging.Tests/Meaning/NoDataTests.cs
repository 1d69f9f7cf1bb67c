using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Meaning;

public sealed class NoDataTests
{
    private const int Side = 48;

    /// <summary>A corner without data.</summary>
    private static bool IsHole(int y, int x) => y < 13 && x < 21;

    [Theory]
    [InlineData("a_9999.tif")]
    [InlineData("b_min.tif")]
    public void The_value_of_the_case_is_no_pixel(string name)
    {
        using var scope = NewDisposeScope();
        using var image = ImageSource.Open(
            Path.Combine(SharedFiles.Folder("cases"), "nodata-taken-for-pixels", name),
            new ImageOptions { NoDataFill = [0.25f] });
        var pixels = image.Read(0, 0, image.Height, image.Width);
        Assert.InRange(pixels.min().item<float>(), -10, 10);
        Assert.InRange(pixels.max().item<float>(), -10, 10);
        Assert.True(pixels.eq(0.25f).any().item<bool>());
    }

    [Theory]
    [InlineData("-9999", -9999f)]
    [InlineData(" -9999.000 ", -9999f)]
    [InlineData("nan", float.NaN)]
    [InlineData("-nan", float.NaN)]
    [InlineData("-3.4028234663852886e+38", float.MinValue)]
    [InlineData("-3.40282346638529e+38", float.MinValue)]
    [InlineData("-3.4e38", -3.4e38f)]
    [InlineData("-1.79769313486232e+308", float.NegativeInfinity)]
    [InlineData("-1.79769313486232e+308", float.MinValue)]
    [InlineData("0.1", 0.1f)]
    public void Floating_point_values_are_told_by_what_their_text_can_say(string text, float stored)
    {
        using var folder = new TemporaryFolder();
        var page = TaggedTiff.Of(Side, Side, 1, (y, x, _) => IsHole(y, x) ? stored : 0.5f + (y / 100f)).Text(42113, text);
        AssertFilled(TaggedTiff.Write(folder.File("a.tif"), page), y => 0.5f + (y / 100f));
    }

    [Fact]
    public void Whole_numbers_are_told_in_the_files_own_type()
    {
        using var folder = new TemporaryFolder();
        var signed = TaggedTiff.Of(Side, Side, 1, (y, x, _) => IsHole(y, x) ? (short)-9999 : (short)(y - 5), 16);
        AssertFilled(TaggedTiff.Write(folder.File("a.tif"), signed.Text(42113, "-9999")), y => y - 5);
        var words = TaggedTiff.Of(Side, Side, 1, (y, x, _) => IsHole(y, x) ? (ushort)65535 : (ushort)(65534 - y));
        AssertFilled(TaggedTiff.Write(folder.File("b.tif"), words.Text(42113, "65535")), y => (65534 - y) / 257f);
        var bytes = TaggedTiff.Of(Side, Side, 1, (y, x, _) => IsHole(y, x) ? (byte)255 : (byte)(254 - y));
        AssertFilled(TaggedTiff.Write(folder.File("c.tif"), bytes.Text(42113, "255")), y => 254 - y);
    }

    [Fact]
    public void Of_colours_of_bytes_all_bands_must_hold_the_value_and_of_others_each_is_told_alone()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var bytes = TaggedTiff.Write(
            folder.File("a.tif"),
            TaggedTiff.Of(Side, Side, 3, (y, x, band) => IsHole(y, x) || (x == 40 && band == 0) ? (byte)0 : (byte)9).Text(42113, "0"));
        using var colours = ImageSource.Open(bytes, new ImageOptions { NoDataFill = [77] });
        var pixels = colours.Read(0, 0, Side, Side);
        Assert.Equal([77, 77, 77], pixels[0, .., 0, 0].data<float>().ToArray());
        Assert.Equal([0, 9, 9], pixels[0, .., 0, 40].data<float>().ToArray());

        var numbers = TaggedTiff.Write(
            folder.File("b.tif"),
            TaggedTiff.Of(Side, Side, 3, (y, x, band) => x == 40 && band == 0 ? -1f : 9).Text(42113, "-1"));
        using var measured = ImageSource.Open(numbers, new ImageOptions { NoDataFill = [1, 2, 3] });
        Assert.Equal([1, 9, 9], measured.Read(0, 0, Side, Side)[0, .., 0, 40].data<float>().ToArray());
    }

    [Fact]
    public void A_value_that_the_type_cannot_hold_is_in_no_pixel()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var path = TaggedTiff.Write(folder.File("a.tif"), TaggedTiff.Of(Side, Side, 1, (y, x, _) => (byte)(y + x)).Text(42113, "-9999"));
        using var image = ImageSource.Open(path, new ImageOptions { NoDataFill = [500] });
        Assert.Equal(94, image.Read(0, 0, Side, Side).max().item<float>());
    }

    [Theory]
    [InlineData(2.0)]
    [InlineData(1.5)]
    [InlineData(4.0)]
    public void Resampling_does_not_smear_it(double factor)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var path = TaggedTiff.Write(
            folder.File("a.tif"),
            TaggedTiff.Of(Side, Side, 2, (y, x, band) => IsHole(y, x) ? -9999f : 3f + band, 16).Text(42113, "-9999"));
        using var image = ImageSource.Open(path, new ImageOptions { Downsample = factor, NoDataFill = [float.NaN] });
        var pixels = image.Read(0, 0, image.Height, image.Width);
        Assert.True(pixels[0, 0, 0, 0].isnan().item<bool>());
        var (first, second) = (pixels[0, 0], pixels[0, 1]);
        // Every pixel that is there is a mean of pixels that are there, and the hole is as large as it was, to within a pixel.
        Assert.True(first[first.isfinite()].sub(3).abs().max().item<float>() < 1e-5f);
        Assert.True(second[second.isfinite()].sub(4).abs().max().item<float>() < 1e-5f);
        var hole = first.isnan().sum().item<long>();
        Assert.InRange(hole, (long)(((13 / factor) - 1) * ((21 / factor) - 1)), (long)(((13 / factor) + 1) * ((21 / factor) + 1)));
        using var windows = ImageSource.Open(path, new ImageOptions { Downsample = factor, NoDataFill = [7] });
        Windows.AssertIndependent(windows);
    }

    [Fact]
    public void It_is_kept_or_given_by_hand_on_request()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var path = TaggedTiff.Write(
            folder.File("a.tif"),
            TaggedTiff.Of(Side, Side, 1, (y, x, _) => IsHole(y, x) ? -9999f : 1).Text(42113, "-9999"));
        using var kept = ImageSource.Open(path, new ImageOptions { NoData = NoDataHandling.Keep });
        Assert.Equal(-9999, kept.Read(0, 0, 1, 1).item<float>());
        using var other = ImageSource.Open(path, new ImageOptions { NoDataValue = 1, NoDataFill = [5] });
        Assert.Equal([-9999, 5], other.Read(0, 20, 1, 2).data<float>().ToArray());
        Assert.Contains(
            "the value -9999 means no data (declared in the file)",
            ImageReading.Of(path).Remarks.Single(remark => remark.Aspect == ImageAspect.NoData).Text,
            StringComparison.Ordinal);
    }

    private static void AssertFilled(string path, Func<int, float> elsewhere)
    {
        using var scope = NewDisposeScope();
        using var image = ImageSource.Open(path, new ImageOptions { NoDataFill = [-7.5f] });
        var pixels = image.Read(0, 0, Side, Side);
        for (var y = 0; y < Side; y += 6)
        {
            for (var x = 0; x < Side; x += 7)
                Assert.Equal(IsHole(y, x) ? -7.5f : elsewhere(y), pixels[0, 0, y, x].item<float>(), 1e-3f);
        }

        Windows.AssertIndependent(image, samples: 5);
    }
}
