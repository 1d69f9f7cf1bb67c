using NetVips;
using TorchSharp;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>Photographs and TIFF files that are cut short while they are decoded.</summary>
public sealed class ChangedPhotographTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("a.jpg")]
    [InlineData("a.png")]
    [InlineData("strips.tif")]
    [InlineData("tiles.tif[tile]")]
    public void A_file_cut_short_while_it_is_decoded_is_one_sentence(string name)
    {
        var path = folder.File(name.Split('[')[0]);
        Write(name);
        // Nothing is decoded yet.
        using var source = VipsImageSource.Open(
            path, new ImageOptions(), name.Contains("tif", StringComparison.Ordinal) ? 0 : -1, -1, tiled: true);
        Cut(path);
        var error = Assert.Throws<ImageFormatException>(() => source.Read(400, 0, 300, 700).Dispose());
        Assert.StartsWith(path + ": the image is damaged or cut short", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>Their decoders want the whole file at the start.</summary>
    [Theory]
    [InlineData("a.webp")]
    [InlineData("a.gif")]
    public void One_that_was_read_before_it_was_cut_short_is_decoded_as_it_was(string name)
    {
        using var scope = torch.NewDisposeScope();
        var path = folder.File(name);
        Write(name);
        using var whole = ImageSource.Open(path);
        using var source = VipsImageSource.Open(path, new ImageOptions(), -1, -1, tiled: true);
        Cut(path);
        Assert.True(whole.Read(0, 0, 700, 700).equal(source.Read(0, 0, 700, 700)).all().item<bool>());
    }

    [Theory]
    [InlineData("a.jpg")]
    [InlineData("a.png")]
    [InlineData("a.webp")]
    [InlineData("a.gif")]
    public void A_sound_one_is_read_as_ever(string name)
    {
        using var scope = torch.NewDisposeScope();
        var path = folder.File(name);
        Write(name);
        using var named = Image.NewFromFile(path);
        using var source = ImageSource.Open(path);
        var found = source.Read(500, 110, 180, 280);
        for (var place = 0; place < 20; place++)
        {
            var (y, x) = (place * 9, (place * 137) % 280);
            Assert.Equal(named.Getpoint(x + 110, y + 500)[0], found[0, 0, y, x].ToDouble());
        }
    }

    private void Write(string name)
    {
        using var noise = Image.Gaussnoise(700, 700, sigma: 30, mean: 128);
        using var bytes = noise.Cast(Enums.BandFormat.Uchar);
        bytes.WriteToFile(folder.File(name));
    }

    private static void Cut(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(5000);
    }
}
