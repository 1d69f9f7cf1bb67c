using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Meaning;

public sealed class AlphaTests
{
    private const int Height = 40;
    private const int Width = 48;

    private static byte Sample(int y, int x, int band) => (byte)((7 * y) + (3 * x) + (50 * band));

    [Fact]
    public void Near_infrared_of_the_case_is_flattened_with_a_word_and_kept_on_request()
    {
        var path = Path.Combine(SharedFiles.Folder("cases"), "near-infrared-flattened-as-alpha", "rgbn.tif");
        var reading = ImageReading.Of(path);
        Assert.Equal(3, reading.Channels);
        Assert.Equal("alpha flattened over white: 3 channels", Remark(reading));
        Assert.Equal(4, ImageReading.Of(path, new ImageOptions { Alpha = AlphaHandling.Keep }).Channels);
        using var kept = ImageSource.Open(path, new ImageOptions { Alpha = AlphaHandling.Keep });
        Assert.Equal(4, kept.Channels);
    }

    [Theory]
    [InlineData(4, new ushort[] { 2 }, 3)]
    [InlineData(2, new ushort[] { 2 }, 1)]
    [InlineData(5, new ushort[] { 0, 2 }, 4)]
    [InlineData(5, new ushort[] { 2, 0 }, 3)]
    [InlineData(4, new ushort[] { 1 }, 3)]
    public void An_alpha_band_is_flattened_kept_or_dropped_wherever_it_stands(int bands, ushort[] extra, int alpha)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        foreach (var tile in new[] { 0, 16 })
        {
            var path = TaggedTiff.Write(
                folder.File($"{tile}.tif"), TaggedTiff.Of(Height, Width, bands, Premultiplied, tile).Shorts(338, extra));
            var others = Enumerable.Range(0, bands).Where(band => band != alpha).ToArray();
            AssertPixels(path, AlphaHandling.Drop, others.Length, (y, x, band) => Value(y, x, others[band]));
            AssertPixels(path, AlphaHandling.Keep, bands, Value);
            AssertPixels(path, AlphaHandling.Flatten, others.Length, (y, x, band) =>
            {
                var share = Sample(y, x, alpha) / 255.0;
                return (share * Value(y, x, others[band])) + ((1 - share) * 255);
            });
        }

        // Colours of associated alpha were multiplied by it; what was too bright for that cannot be in a file.
        byte Premultiplied(int y, int x, int band) =>
            extra[0] == 1 && band != alpha ? (byte)Math.Round(Sample(y, x, band) * Sample(y, x, alpha) / 255.0) : Sample(y, x, band);

        double Value(int y, int x, int band) =>
            extra[0] == 1 && band != alpha && Sample(y, x, alpha) < 40 ? double.NaN : Sample(y, x, band);

        void AssertPixels(string path, AlphaHandling handling, int channels, Func<int, int, int, double> expected)
        {
            using var image = ImageSource.Open(path, new ImageOptions { Alpha = handling });
            Assert.Equal(channels, image.Channels);
            Assert.Equal(channels, ImageReading.Of(path, new ImageOptions { Alpha = handling }).Channels);
            var pixels = image.Read(0, 0, Height, Width).to(ScalarType.Float32);
            var tolerance = extra[0] == 1 ? 4 : 1.01;
            foreach (var (y, x) in new[] { (0, 0), (3, 17), (21, 5), (39, 47), (30, 31) })
            {
                for (var band = 0; band < channels; band++)
                {
                    if (!double.IsNaN(expected(y, x, band)))
                        Assert.Equal(expected(y, x, band), pixels[0, band, y, x].item<float>(), tolerance);
                }
            }
        }
    }

    [Theory]
    [InlineData("description", "NIR")]
    [InlineData("description", "Near Infrared")]
    [InlineData("colorinterp", "NIR")]
    public void A_name_in_the_file_that_denies_the_mark_keeps_the_band(string role, string name)
    {
        using var folder = new TemporaryFolder();
        var page = TaggedTiff.Of(Height, Width, 4, Sample).Shorts(338, 2)
            .Text(42112, $"<GDALMetadata><Item name=\"X\" sample=\"3\" role=\"{role}\">{name}</Item></GDALMetadata>");
        var path = TaggedTiff.Write(folder.File("a.tif"), page);
        var reading = ImageReading.Of(path);
        Assert.Equal(4, reading.Channels);
        Assert.Contains(
            $"kept as a band: 4 channels (band 4 is marked as alpha, but called '{name}')", Remark(reading), StringComparison.Ordinal);
    }

    [Fact]
    public void Four_bands_without_a_mark_stay()
    {
        using var folder = new TemporaryFolder();
        var path = TaggedTiff.Write(folder.File("a.tif"), TaggedTiff.Of(Height, Width, 4, Sample).Shorts(338, 0));
        var reading = ImageReading.Of(path);
        Assert.Equal(4, reading.Channels);
        Assert.DoesNotContain(reading.Remarks, remark => remark.Aspect == ImageAspect.Alpha);
    }

    private static string Remark(ImageReading reading) => reading.Remarks.Single(remark => remark.Aspect == ImageAspect.Alpha).Text;
}
