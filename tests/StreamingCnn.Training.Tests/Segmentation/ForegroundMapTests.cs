using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Segmentation;

/// <summary>Maps of an image's foreground: the same there as the whole image's, 0 elsewhere, and less is computed.</summary>
public class ForegroundMapTests
{
    private const int Height = 150;
    private const int Width = 203;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_map_is_the_whole_images_at_the_foreground_and_0_elsewhere(bool isOfNumbers)
    {
        using var scope = NewDisposeScope();
        using var network = Sequential(Conv2d(3, 4, 3, padding: 1), ReLU(), Conv2d(4, 2, 3, padding: 1));
        var tiles = new List<TileProgress>();
        var options = new StreamingOptions { Tile = (32, 32), Progress = new Listed(tiles) };
        using TrainableModel model = isOfNumbers
            ? new StreamingMapRegressor(network, [new NumberScale(3, 2), new NumberScale(-1, 0.5)], options, isDense: true)
            : new StreamingSegmenter(network, 2, options, isDense: true);
        var map = (StreamingMapModel)model;
        model.to(ScalarType.Float64);
        model.eval();
        using var foreground = Foreground();
        using var image = new ForegroundSource(Image(), foreground);

        var whole = Run(map, image: Image());
        var all = tiles.Count;
        tiles.Clear();
        var part = Run(map, image);

        using var mask = new TensorImageSource(Foreground().Read(0, 0, Height, Width));
        var expected = whole * mask.Read(0, 0, Height, Width).to(ScalarType.Float64);
        Assert.True((part - expected).abs().max().item<double>() < 1e-12);
        Assert.InRange(tiles.Count, 1, all / 3);
        using var truth = new WithinSource(
            new TensorImageSource(zeros(1, isOfNumbers ? 2 : 1, Height, Width)),
            Foreground(),
            isOfNumbers ? double.NaN : SegmentationTask.IgnoredClass);
        Assert.InRange(model.Plan(image, truth).AskedFor, 0.02, 0.4);
        Assert.Equal(1, model.Plan(Height, Width).AskedFor);
    }

    /// <summary>What is learned by is the mask's part that lies in the foreground.</summary>
    [Fact]
    public void A_mask_counts_where_there_is_foreground()
    {
        using var scope = NewDisposeScope();
        var classes = randint(0, 2, [1, 1, Height, Width], ScalarType.Int16, generator: new Generator(4));
        using var within = new WithinSource(Shapes.ClassMap(classes), Foreground(), SegmentationTask.IgnoredClass);

        var read = within.Read(20, 30, 60, 90);

        using var mask = Foreground();
        var counted = mask.Read(20, 30, 60, 90).to(ScalarType.Bool);
        var expected = where(counted, classes.narrow(2, 20, 60).narrow(3, 30, 90).to(ScalarType.Int64), SegmentationTask.IgnoredClass);
        Assert.Equal(ScalarType.Int16, read.dtype);
        Assert.True(read.to(ScalarType.Int64).equal(expected).all().item<bool>());
        Assert.Throws<ArgumentException>(() => new WithinSource(Shapes.ClassMap(classes.narrow(2, 0, 9)), Foreground(), 0));
    }

    /// <summary>Runs that were begun before there was a choice have no word of it.</summary>
    [Fact]
    public void What_nobody_asked_for_is_not_recorded()
    {
        var whole = new ImagePreparation { Channels = 3, CropsToForeground = false };
        Assert.DoesNotContain(whole.ToMetadata(), pair => pair.Key.StartsWith("foreground", StringComparison.Ordinal));

        var limited = whole with { Foreground = ForegroundRule.Otsu, CountsForegroundAlone = true };
        Assert.False(ImagePreparation.FromMetadata(limited.ToMetadata().ToDictionary()).CropsToForeground);
        Assert.True(ImagePreparation.FromMetadata(
            (limited with { CropsToForeground = true }).ToMetadata().ToDictionary()).CropsToForeground);
    }

    private static Tensor Run(StreamingMapModel model, IImageSource image)
    {
        var map = full([1, 2, Height, Width], double.NaN, ScalarType.Float64);
        using var rows = new RowSink((top, values) => map.narrow(2, top, values.shape[2]).copy_(values));
        using (image is ForegroundSource ? null : image)
            model.Run(image, rows);
        return map;
    }

    private static NormalizedSource Image() =>
        new(new TensorImageSource(rand([1, 3, Height, Width], ScalarType.Float64, generator: new Generator(7))), Normalization.None);

    /// <summary>A rectangle in the middle, and a pixel by itself.</summary>
    private static TensorImageSource Foreground()
    {
        var mask = zeros([1, 1, Height, Width], ScalarType.Byte);
        mask.narrow(2, 70, 30).narrow(3, 90, 50).fill_(1);
        mask.narrow(2, 140, 1).narrow(3, 3, 1).fill_(1);
        return new(mask);
    }

    private sealed class Listed(List<TileProgress> told) : IProgress<TileProgress>
    {
        public void Report(TileProgress value) => told.Add(value);
    }
}
