using StreamingCnn.Imaging.Tests.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

public sealed class WrapperTests
{
    [Fact]
    public void Normalising_by_measured_statistics_gives_mean_zero_and_deviation_one()
    {
        using var scope = NewDisposeScope();
        var picture = AugmentationTests.Picture(60, 70);
        using var plain = new TensorImageSource(picture);
        using var source = new NormalizedSource(new TensorImageSource(picture), Normalization.Measure(plain));
        var pixels = source.Read(0, 0, 60, 70);
        Assert.InRange(pixels.mean().abs().ToSingle(), 0, 1e-4f);
        Assert.InRange(pixels.std().ToSingle(), 0.999f, 1.001f);
        Windows.AssertIndependent(source);
    }

    [Fact]
    public void Bytes_stay_bytes_until_they_are_on_the_device()
    {
        using var scope = NewDisposeScope();
        using var source = new NormalizedSource(new TensorImageSource(AugmentationTests.Picture(60, 70)), Normalization.ImageNet);
        var stored = source.ReadStored(3, 5, 40, 50);
        Assert.Equal(ScalarType.Byte, stored.dtype);
        Assert.True(Windows.Same(source.Read(3, 5, 40, 50), source.Prepare(stored)));

        // The engine goes that way: the outcome is that of the normalised image at once.
        using var trunk = nn.Conv2d(3, 4, 3, padding: 1);
        using var streaming = new StreamingModule(trunk, new StreamingOptions { Tile = (32, 32) });
        Assert.True(streaming.forward(source).allclose(trunk.forward(source.Read(0, 0, 60, 70)), 1e-5, 1e-5));
    }

    [Fact]
    public void Statistics_of_a_set_are_those_of_all_its_pixels_together()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var pictures = ((long Height, long Width)[])[(30, 40), (1100, 20)];
        var paths = pictures.Select((size, i) => Path.Combine(folder.Path, $"{i}.png")).ToList();
        var all = pictures.Select(size => AugmentationTests.Picture(size.Height, size.Width) / (size.Width / 10)).ToList();
        foreach (var (picture, path) in all.Zip(paths))
        {
            using var source = new TensorImageSource(picture);
            Imaging.Export.ImageFile.Write(source, path);
        }

        var measured = Normalization.Measure(paths);
        for (var channel = 0; channel < 3; channel++)
        {
            var pixels = cat(all.Select(picture => picture[0, channel].round().flatten().to(ScalarType.Float64)).ToList()) / 255;
            Assert.Equal(pixels.mean().item<double>(), measured.Mean[channel], 1e-6);
            Assert.Equal(pixels.std(unbiased: false).item<double>(), measured.Deviation[channel], 1e-6);
        }
    }

    [Fact]
    public void Wrong_numbers_of_channels_are_refused()
    {
        using var scope = NewDisposeScope();
        using var grey = new TensorImageSource(zeros([1, 4, 4], ScalarType.Byte));
        var error = Assert.Throws<ArgumentException>(() => new NormalizedSource(grey, Normalization.ImageNet));
        Assert.Contains("3 means and 3 deviations were given for an image of 1 channels", error.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Windows as the engine reads them: each overlaps its neighbours by three pixels, but the first of a row and column are smaller; on
    /// the way back the last are kept.
    /// </summary>
    [Fact]
    public void Prefetching_gives_the_same_pixels_and_foretells_a_training_step()
    {
        using var scope = NewDisposeScope();
        var picture = AugmentationTests.Picture(190, 260);
        using var source = new PrefetchingSource(new TensorImageSource(picture));
        (long First, long End)[] rows = [(0, 64), (61, 128), (125, 190)];
        (long First, long End)[] columns = [(0, 80), (77, 160), (157, 240), (237, 260)];
        var there = rows.SelectMany(row => columns.Select(column => (row, column))).ToList();
        foreach (var ((top, bottom), (left, right)) in there)
            Assert.True(
                Windows.Same(
                    picture.narrow(2, top, bottom - top).narrow(3, left, right - left),
                    source.Read(top, left, bottom - top, right - left)));
        // Not foretold: the first two.
        Assert.Equal(there.Count - 2, source.Hits);
        foreach (var ((top, bottom), (left, right)) in there.AsEnumerable().Reverse().Skip(2))
            Assert.True(
                Windows.Same(
                    picture.narrow(2, top, bottom - top).narrow(3, left, right - left),
                    source.Read(top, left, bottom - top, right - left)));
        // Not foretold: where the way back begins.
        Assert.Equal(there.Count - 2 + there.Count - 3, source.Hits);
        Windows.AssertIndependent(source);
    }

    [Fact]
    public void A_cache_stays_within_its_bound_and_keeps_what_was_used_last()
    {
        var made = new List<int>();
        var cache = new BoundedCache<int, byte[]>(100, value => value.Length);
        byte[] Make(int key)
        {
            made.Add(key);
            return new byte[40];
        }

        foreach (var key in (int[])[1, 2, 1, 3, 1, 2])
        {
            cache.Get(key, Make);
            Assert.InRange(cache.Held, 0, 100);
        }

        Assert.Equal([1, 2, 3, 2], made);
    }
}
