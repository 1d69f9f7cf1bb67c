using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>Several files as one image: the channels of each behind those of the one before, in any window and at any resolution.</summary>
public sealed class SideBySideTests : IDisposable
{
    private const int Height = 152;
    private const int Width = 204;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1.0)]
    [InlineData(2.0)]
    [InlineData(2.7)]
    public void Windows_have_the_channels_of_all_files(double downsample)
    {
        using var scope = NewDisposeScope();
        // A pyramid of levels and a file that has none are to give images of one size.
        string[] paths = [Colour("colour.png"), Grey("grey.tif", Enums.BandFormat.Ushort), Colour("pyramid.tif")];
        var options = new ImageOptions { Downsample = downsample };
        using var joined = ImageSource.OpenSideBySide(paths, _ => options);

        Assert.Equal(7, joined.Channels);
        var first = 0;
        foreach (var path in paths)
        {
            using var alone = ImageSource.Open(path, options);
            Assert.Equal((alone.Height, alone.Width), (joined.Height, joined.Width));
            foreach (var (top, left, height, width) in ((long, long, long, long)[])[
                (0, 0, joined.Height, joined.Width), (5, 7, 11, 13), (joined.Height - 1, joined.Width - 3, 1, 3)])
            {
                var window = joined.Read(top, left, height, width);
                Assert.Equal(ScalarType.Float32, window.dtype);
                var own = window.narrow(1, first, alone.Channels);
                Assert.True(own.equal(alone.Read(top, left, height, width).to(ScalarType.Float32)).all().item<bool>(), path);
            }

            first += alone.Channels;
        }
    }

    [Fact]
    public void Files_of_bytes_stay_bytes_and_each_is_read_by_its_own_options()
    {
        using var scope = NewDisposeScope();
        var path = Colour("colour.png");
        using var joined = ImageSource.OpenSideBySide([path, path], place => new() { Channels = place == 0 ? 3 : 1 });
        Assert.Equal(4, joined.Channels);
        Assert.Equal(ScalarType.Byte, joined.Read(0, 0, 3, 4).dtype);
    }

    [Fact]
    public void Files_of_several_sizes_are_refused_by_both_names()
    {
        var (large, small) = (Colour("large.png"), folder.File("small.png"));
        using (var image = Image.Black(Width - 1, Height))
            image.Pngsave(small);

        Assert.Equal(
            $"{small}: this image has 152 x 203 pixels (height x width), but '{large}', which it is read side by side with, has 152 x 204; give images of one size.",
            Assert.Throws<ImageFormatException>(() => ImageSource.OpenSideBySide([large, small], _ => new())).Message);
    }

    private string Colour(string name)
    {
        using var image = (Image.Xyz(Width, Height).Bandjoin(Image.Gaussnoise(Width, Height, sigma: 40, mean: 120)) % 256)
            .Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb);
        if (name.EndsWith(".tif", StringComparison.Ordinal))
            image.Tiffsave(folder.File(name), tile: true, pyramid: true, tileWidth: 32, tileHeight: 32);
        else
            image.Pngsave(folder.File(name));
        return folder.File(name);
    }

    private string Grey(string name, Enums.BandFormat format)
    {
        using var image = (Image.Xyz(Width, Height)[0] * 301).Cast(format).Copy(interpretation: Enums.Interpretation.Grey16);
        image.Tiffsave(folder.File(name), tile: true, tileWidth: 32, tileHeight: 32);
        return folder.File(name);
    }
}
