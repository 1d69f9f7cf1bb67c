using System.Globalization;
using StreamingCnn.Imaging;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary><c>scnn info --statistics</c> against all values in memory, and pictures of images that are no photographs.</summary>
public sealed class StatisticsTests : IDisposable
{
    private const int Height = 70;
    private const int Width = 1100;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Words_of_many_bands_are_counted() =>
        AssertMeasured(18, (y, x, band) => (ushort)(((y * 97) + (x * 31) + (band * 501)) % (3000 + (100 * band))), null);

    [Fact]
    public void Words_with_a_sign_and_without_data() =>
        AssertMeasured(2, (y, x, band) => (short)((y * x) % 17 == 0 ? -9999 : ((y * 7) + (x * 3) - 500 + band)), -9999);

    [Fact]
    public void Floating_point_numbers_of_all_sizes()
    {
        var random = new Random(3);
        AssertMeasured(3, (_, _, band) => (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-20, 20)) * (band + 1)), null);
    }

    [Fact]
    public void Floating_point_numbers_with_places_that_are_none()
    {
        var random = new Random(4);
        AssertMeasured(1, (y, x, _) => (x + y) % 5 == 0 ? float.NaN : (float)random.NextDouble(), double.NaN);
    }

    [Fact]
    public void Bytes() => AssertMeasured(3, (y, x, band) => (byte)(((y * x) + band) % 251), null);

    [Fact]
    public void A_band_without_any_data_has_no_values()
    {
        TaggedTiff.Of(Height, Width, 1, (_, _, _) => 7f).Text(42113, "7").WriteTo(folder.File("image.tif"));
        var run = CommandLine.Run("info", folder.File("image.tif"), "--statistics");
        Assert.Equal("", run.Errors);
        Assert.Equal(["1", "-", "-", "-", "-", "-", "-", "100.00", "%"], Row(run.Output, 0));
    }

    [Fact]
    public void Pictures_of_other_images_are_stretched_to_what_is_shown_and_say_so()
    {
        // Of 13 bands three are shown; a hundredth of all pixels is far brighter than the others, as clouds are.
        TaggedTiff.Of(Height, Width, 13, (y, x, band) => (ushort)(x < 11 ? 60000 : 1000 + (band * 100) + x))
            .Shorts(262, 1).Shorts(338, new ushort[12]).WriteTo(folder.File("image.tif"));
        var run = CommandLine.Run("info", folder.File("image.tif"), "--bands", "8,4,3", "--thumbnail", folder.File("small.png"), "--thumbnail-side", "2000");
        Assert.Equal("", run.Errors);
        Assert.Contains(
            "bands 8, 4, 3, each stretched from its 2nd to its 98th percentile", run.Output, StringComparison.Ordinal);
        using var scope = NewDisposeScope();
        using var picture = ImageSource.Open(folder.File("small.png"));
        Assert.Equal(3, picture.Channels);
        var row = picture.Read(0, 0, 1, Width)[0].to(ScalarType.Int32);
        for (var channel = 0; channel < 3; channel++)
        {
            Assert.Equal(255, row[channel, 0, 5].item<int>());
            Assert.Equal(0, row[channel, 0, 12].item<int>());
            Assert.InRange(row[channel, 0, Width / 2].item<int>(), 118, 136);
        }

        // The first of two.
        TaggedTiff.Of(Height, Width, 2, (y, x, band) => x + (band * 5e6f)).Shorts(338, 0).WriteTo(folder.File("two.tif"));
        Assert.Contains(
            "band 1, stretched from the 2nd to the 98th percentile",
            CommandLine.Run("info", folder.File("two.tif"), "--thumbnail", folder.File("two.png")).Output,
            StringComparison.Ordinal);
        // A photograph is what it is.
        TaggedTiff.Of(Height, Width, 3, (y, x, band) => (byte)(100 + (x % 20))).WriteTo(folder.File("photo.tif"));
        Assert.DoesNotContain(
            "stretched", CommandLine.Run("info", folder.File("photo.tif"), "--thumbnail", folder.File("photo.png")).Output, StringComparison.Ordinal);
        using var photo = ImageSource.Open(folder.File("photo.png"));
        Assert.InRange(photo.Read(0, 0, photo.Height, photo.Width).max().item<byte>(), 105, 119);
    }

    private void AssertMeasured<T>(int bands, Func<int, int, int, T> value, double? missing)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        var values = new double[bands][];
        for (var band = 0; band < bands; band++)
            values[band] = new double[Height * Width];
        var image = TaggedTiff.Of(Height, Width, bands, (y, x, band) =>
        {
            var sample = value(y, x, band);
            values[band][(y * Width) + x] = double.CreateChecked(sample);
            return sample;
        }).Shorts(262, 1);
        if (bands > 1)
            image = image.Shorts(338, new ushort[bands - 1]);
        if (missing is { } declared)
            image = image.Text(42113, double.IsNaN(declared) ? "nan" : declared.ToString(CultureInfo.InvariantCulture));
        image.WriteTo(folder.File("image.tif"));

        var run = CommandLine.Run("info", folder.File("image.tif"), "--statistics");

        Assert.Equal("", run.Errors);
        for (var band = 0; band < bands; band++)
        {
            var row = Row(run.Output, band);
            double[] all = [.. values[band].Where(number => double.IsFinite(number) && number != missing).Order()];
            var tail = (int)Math.Floor(0.02 * all.Length);
            var mean = all.Average();
            var deviation = Math.Sqrt(all.Sum(number => (number - mean) * (number - mean)) / all.Length);
            double[] expected = [all[0], all[^1], mean, deviation, all[tail], all[^(tail + 1)]];
            Assert.Equal((band + 1).ToString(CultureInfo.InvariantCulture), row[0]);
            foreach (var (i, number) in expected.Index())
            {
                var told = double.Parse(row[i + 1], CultureInfo.InvariantCulture);
                Assert.True(Math.Abs(told - number) <= 2e-5 * Math.Max(Math.Abs(number), i is 2 ? deviation : 0), $"band {band}, {i}: {told}, not {number}");
            }

            Assert.Equal(
                (100.0 * (values[band].Length - all.Length) / values[band].Length).ToString("0.00", CultureInfo.InvariantCulture), row[7]);
        }
    }

    private static string[] Row(string output, int band)
    {
        var lines = output.Split('\n').Select(line => line.TrimEnd()).ToArray();
        var header = Array.FindIndex(lines, line => line.StartsWith("statistics", StringComparison.Ordinal));
        return lines[header + 1 + band].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }
}
