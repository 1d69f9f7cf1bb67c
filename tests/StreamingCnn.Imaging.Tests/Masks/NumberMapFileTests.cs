using NetVips;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Imaging.Masks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Masks;

/// <summary>Maps of numbers have the numbers that files store, NaN where there is none, and are written as they are read.</summary>
public sealed class NumberMapFileTests : IDisposable
{
    private const int Height = 37;
    private const int Width = 53;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_a_file_or_a_person_calls_missing_is_NaN_in_its_channel_alone()
    {
        var path = TaggedTiff.Of(Height, Width, 2, (y, x, band) => Number(y, x, band)).Text(42113, "-9999").WriteTo(folder.File("a.tif"));
        using var map = NumberMapFile.Open(path, [7]);
        using var window = map.Read(10, 20, 15, 30);

        Assert.Equal((2, Height, (long)Width), (map.Channels, map.Height, map.Width));
        for (var band = 0; band < 2; band++)
        {
            for (var y = 0; y < 15; y++)
            {
                for (var x = 0; x < 30; x++)
                {
                    var stored = Number(y + 10, x + 20, band);
                    Assert.Equal(stored is -9999 or 7 ? float.NaN : stored, window[0, band, y, x].item<float>());
                }
            }
        }

        // A band that is 0 at every fifth column counts there: 0 is a number.
        static float Number(int y, int x, int band) => (y % 5, x % 5) switch
        {
            (0, _) when band == 0 => -9999,
            (_, 0) when band == 1 => 7,
            (_, 1) => 0,
            (_, 2) => float.NaN,
            _ => 1000 + y + (x / 64f),
        };
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void Few_bits_have_their_stored_numbers(int bits)
    {
        var path = folder.File("map.png");
        byte[] stored = [0, 1, 1, 0, 1, 0];
        using (var grey = Image.NewFromMemory<byte>(
            bits == 8 ? stored : [.. stored.Select(value => (byte)(value * 255))], 3, 2, 1, Enums.BandFormat.Uchar))
            grey.Pngsave(path, bitdepth: bits);

        using var map = NumberMapFile.Open(path);
        using var window = map.Read(0, 0, 2, 3);

        Assert.Equal(stored.Select(value => (float)value), window.flatten().data<float>().ToArray());
    }

    [Fact]
    public void A_smaller_map_is_the_mean_of_what_there_is_and_a_changed_one_mixes_nothing()
    {
        var path = TaggedTiff.Of(40, 60, 1, (y, x, _) => x < 30 ? float.NaN : y < 20 ? 2f : 10f).WriteTo(folder.File("a.tif"));
        using var half = ResampledSource.OfNumbers(NumberMapFile.Open(path), 20, 30);
        using var small = half.Read(0, 0, 20, 30);
        Assert.True(small.narrow(3, 0, 15).isnan().all().item<bool>());
        Assert.False(small.narrow(3, 15, 15).isnan().any().item<bool>());
        Assert.Equal(2, small[0, 0, 3, 15].item<float>(), 5);
        Assert.Equal(10, small[0, 0, 16, 29].item<float>(), 5);

        using var changed = new AugmentationOptions { Rotation = 180, Crop = (50, 90) }.ApplyToNumbers(
            NumberMapFile.Open(path), seed: 4, float.NaN);
        using var window = changed.Read(0, 0, 50, 90);
        float[] values = [.. window.flatten().data<float>().ToArray().Distinct().Order()];
        Assert.Equal([float.NaN, 2, 10], values);
    }

    [Fact]
    public void Numbers_are_written_with_their_names_and_counted()
    {
        using var numbers = rand(1, 2, Height, Width) * 100 - 50;
        var path = folder.File("values.tif");
        using var file = new NumberFile(path, new(1, 1) { ChannelNames = ["height", "density"] });
        using var grid = new NumberGrid(20);
        var sink = new JoinedSink([file, grid]);
        sink.Begin(1, 2, Height, Width);
        foreach (var (top, left, height, width) in ((int, int, int, int)[])[(0, 0, 20, 53), (20, 0, 17, 30), (20, 30, 17, 23)])
        {
            using var part = numbers.narrow(2, top, height).narrow(3, left, width);
            sink.Write(top, left, part);
        }

        file.Complete();

        Assert.Equal(["height", "density"], ImageInfo.Read(path).BandNames);
        using var map = NumberMapFile.Open(path);
        using var read = map.Read(0, 0, Height, Width);
        Assert.True(read.equal(numbers).all().item<bool>());
        for (var channel = 0; channel < 2; channel++)
        {
            using var own = numbers[0, channel].to(ScalarType.Float64);
            var summary = grid.Summaries[channel];
            Assert.Equal(Height * Width, summary.Positions);
            Assert.Equal(own.min().item<double>(), summary.Least);
            Assert.Equal(own.max().item<double>(), summary.Most);
            Assert.Equal(own.mean().item<double>(), summary.Mean, 9);
        }

        // Squares of three positions; the last of a row and a column are smaller.
        Assert.Equal((13, 18), (grid.Height, grid.Width));
        using var first = numbers[0, 0].narrow(0, 0, 3).narrow(1, 3, 3).mean();
        using var last = numbers[0, 0].narrow(0, 36, 1).narrow(1, 51, 2).mean();
        Assert.Equal(first.item<float>(), grid.Cells[1], 4);
        Assert.Equal(last.item<float>(), grid.Cells[^1], 4);

        using var bad = new NumberGrid(20);
        bad.Begin(1, 1, 2, 3);
        using var infinite = tensor(new[] { 1f, 2, 3, 4, float.PositiveInfinity, 6 }, [1, 1, 2, 3]);
        Assert.StartsWith(
            "The number at row 1, column 1 is",
            Assert.Throws<InvalidDataException>(() => bad.Write(0, 0, infinite)).Message,
            StringComparison.Ordinal);
    }
}
