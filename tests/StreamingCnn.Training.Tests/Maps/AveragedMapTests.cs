using StreamingCnn.Distributed.Threads;
using StreamingCnn.Imaging;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Serving;
using StreamingCnn.Training.Tasks;
using StreamingCnn.Training.Tests.Segmentation;
using StreamingCnn.Training.Tests.Serving;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Maps;

/// <summary>The mean over mirror images is that of whole maps, however small the bands in which it is made.</summary>
public sealed class AveragedMapTests : IDisposable
{
    private const double Rounding = 1e-12;
    private const int Classes = 3;
    private const int Height = 61;
    private const int Width = 46;

    private readonly List<TileProgress> tiles = [];
    private readonly Module<Tensor, Tensor> network;
    private readonly StreamingSegmenter model;

    public AveragedMapTests()
    {
        manual_seed(5);
        // Of stride 2 and sizes that it does not divide: a mirror image is seen otherwise, not only mirrored.
        network = Sequential(
            Conv2d(2, 6, 3, stride: 2, padding: 1), ReLU(), Conv2d(6, 5, 3, padding: 1), ReLU(), ConvTranspose2d(5, Classes, 3, stride: 2));
        model = new(network, Classes, new StreamingOptions { Tile = (16, 16), Progress = new Listed(tiles) }, channels: Classes);
        model.to(ScalarType.Float64);
        model.eval();
    }

    public void Dispose()
    {
        model.Dispose();
        network.Dispose();
    }

    [Theory]
    [InlineData(MapAverage.Flips, 61)]
    [InlineData(MapAverage.Turns, 61)]
    [InlineData(MapAverage.Flips, 23)]
    [InlineData(MapAverage.Turns, 7)]
    public void It_is_the_mean_of_whole_maps(MapAverage average, int rows)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var pixels = Pixels();
        using var image = new TensorImageSource(pixels.alias());

        var scores = Averaged(image, average, rows);

        var expected = Views(average).Select(view => view.Back(model.forward(view.There(pixels)).softmax(1))).Aggregate((a, b) => a + b);
        Near(expected / Views(average).Length, scores.softmax(1), Rounding);
        // The scores are logarithms of what adds up to 1, as those of probabilities are.
        Near(scores.exp().sum(1), ones_like(scores.sum(1)), Rounding);
        Assert.True((scores.softmax(1) - model.forward(pixels).softmax(1)).abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void Of_a_foreground_it_is_the_mean_there()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var mask = zeros([1, 1, Height, Width], ScalarType.Byte);
        mask.narrow(2, 12, 21).narrow(3, 5, 30).fill_(1);
        // Both are scaled alike, which rounds to single precision.
        using var whole = new NormalizedSource(new TensorImageSource(Pixels()), Normalization.None);
        using var image = new ForegroundSource(
            new NormalizedSource(new TensorImageSource(Pixels()), Normalization.None), new TensorImageSource(mask.alias()));

        foreach (var rows in (int[])[Height, 9])
        {
            var scores = Averaged(image, MapAverage.Turns, rows).softmax(1);
            var isThere = mask.to(ScalarType.Bool);
            Near(Averaged(whole, MapAverage.Turns, Height).softmax(1).masked_select(isThere), scores.masked_select(isThere), Rounding);
            var elsewhere = scores.masked_select(isThere.logical_not());
            Near(full_like(elsewhere, 1.0 / Classes), elsewhere, Rounding);
        }
    }

    /// <summary>A band of an eighth of the rows costs little more than an eighth of the tiles.</summary>
    [Fact]
    public void For_a_band_nothing_is_computed_but_what_it_reads()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var image = new TensorImageSource(rand([1, 2, 512, 40], ScalarType.Float64, generator: new Generator(3)));
        int Tiles(int rows)
        {
            tiles.Clear();
            AveragedMap.Run(model.Run, image, new Forgetting(), Classes, MapAverage.Turns, (long)rows * 40 * Classes * sizeof(float));
            return tiles.Count;
        }

        var atOnce = Tiles(512);
        Assert.InRange(Tiles(64), 1, (int)(1.8 * atOnce));
    }

    [Fact]
    public void Pixels_are_counted_as_in_training_and_without_a_mean_the_map_is_the_models()
    {
        using var grad = no_grad();
        using var segmenter = Shapes.Segmenter();
        segmenter.eval();
        foreach (var sample in Shapes.Samples(3))
        {
            using var scope = NewDisposeScope();
            using var image = sample.Open(0);
            using var mask = sample.OpenMask!(0);
            var (loss, _, counts) = segmenter.Judge(image, mask);

            var (prediction, pixels) = PixelJudge.Predict(
                (source, sink) => AveragedMap.Run(segmenter.Run, source, sink, 3, MapAverage.None), Shapes.Task, sample);

            Assert.Equal(image.Height * image.Width, pixels);
            Assert.Equal(counts, prediction.Values);
            Assert.Equal(loss.item<float>(), prediction.Loss, 1e-5);
            Assert.Null(prediction.Findings);
        }
    }

    /// <summary>The mean of the boundaries and objects is judged in the same pass.</summary>
    [Fact]
    public void Objects_are_those_of_the_mean()
    {
        using var grad = no_grad();
        using var segmenter = Shapes.Segmenter();
        segmenter.eval();
        var task = Shapes.Task.JudgedBy(new() { Overlap = 0.1 });
        var sample = Shapes.Samples(1)[0];
        void Run(IImageSource source, IMapSink sink) => AveragedMap.Run(segmenter.Run, source, sink, 3, MapAverage.Flips);

        var (prediction, _) = PixelJudge.Predict(Run, task, sample);

        var expected = MapJudge.Of(Run, task, sample);
        Assert.Equal(expected.Objects.Select(one => one.True), prediction.Findings!.Objects.Select(one => one.True));
        Assert.Equal(expected.Objects.SelectMany(one => one.Found), prediction.Findings.Objects.SelectMany(one => one.Found));
        var (alone, _) = PixelJudge.Predict(segmenter.Run, task, sample);
        Assert.NotEqual(alone.Loss, prediction.Loss);
    }

    [Fact]
    public void Processes_that_share_an_image_make_no_mean()
    {
        using var run = new KeptModel(new SegmentationTask(["ground", "a"]));
        var image = run.Image("a.png", 40, 50);
        using var alone = Predictor.Load(run.Run);
        var chosen = new MapFilesOptions { ClassMap = true, Average = MapAverage.Flips };
        Assert.Equal(2000, alone.WriteMap(new(image, -1, []), run.Run + "/a", chosen).Summary.Classes.Sum(known => known.Positions));
        var messages = new string[2];
        ThreadRanks.Run(2, ranks =>
        {
            using var predictor = Predictor.Load(run.Run, new() { Streaming = new() { Tile = (32, 32), SplitOver = ranks } });
            messages[ranks.Rank] = Assert.Throws<InvalidOperationException>(
                () => predictor.WriteMap(new(image, -1, []), run.Run + "/b", chosen)).Message;
        });
        Assert.All(messages, message => Assert.Equal(
            "The mean over mirror images is made of an image by one process, and several share each image; leave out --average or --split-image.",
            message));
    }

    private static Tensor Pixels() => rand([1, 2, Height, Width], ScalarType.Float64, generator: new Generator(11)) * 4;

    /// <summary>How the network is shown an image, and how its map is turned back: by whole tensors.</summary>
    private static (Func<Tensor, Tensor> There, Func<Tensor, Tensor> Back)[] Views(MapAverage average) =>
    [
        .. from quarter in average == MapAverage.Turns ? (int[])[0, 1] : [0]
           from vertical in (bool[])[false, true]
           from across in (bool[])[false, true]
           select (
               (Func<Tensor, Tensor>)(map => Flipped(map.rot90(quarter, (2, 3)), vertical, across)),
               (Func<Tensor, Tensor>)(map => Flipped(map, vertical, across).rot90(-quarter, (2, 3)))),
    ];

    private static Tensor Flipped(Tensor map, bool vertical, bool across)
    {
        if (vertical)
            map = map.flip(2);
        return across ? map.flip(3) : map;
    }

    /// <summary>The scores that come, in bands of so many rows.</summary>
    private Tensor Averaged(IImageSource image, MapAverage average, int rows)
    {
        var map = full([1, Classes, Height, Width], double.NaN, ScalarType.Float64);
        using var sink = new RowSink((top, values) => map.narrow(2, top, values.shape[2]).copy_(values));
        AveragedMap.Run(model.Run, image, sink, Classes, average, (long)rows * Width * Classes * sizeof(float));
        Assert.False(map.isnan().any().item<bool>());
        return map;
    }

    private static void Near(Tensor expected, Tensor actual, double within) =>
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, within);

    private sealed class Listed(List<TileProgress> told) : IProgress<TileProgress>
    {
        public void Report(TileProgress value) => told.Add(value);
    }

    private sealed class Forgetting : IMapSink
    {
        public void Begin(long batch, long channels, long height, long width)
        {
        }

        public void Write(long top, long left, Tensor values)
        {
        }
    }
}
