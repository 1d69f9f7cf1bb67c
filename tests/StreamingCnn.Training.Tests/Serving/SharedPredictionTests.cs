using StreamingCnn.Distributed.Threads;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Models;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Saliency;
using StreamingCnn.Training.Serving;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Serving;

/// <summary>Ranks that work on each image together say of it, draw of it and explain what one does.</summary>
public class SharedPredictionTests
{
    private const int Ranks = 3;

    private static readonly MapFilesOptions AllFiles =
        new() { ClassMap = true, Polygons = true, Overlay = true, Probabilities = MapSamples.Float32, ListRegions = true };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_ranks_are_told_what_one_is()
    {
        using var run = new KeptModel(new ClassificationTask(["dark", "light"]));
        string[] images = [run.Image("a.png", 70, 190), run.Image("b.png", 40, 33)];
        using var alone = Predictor.Load(run.Run, new() { Streaming = new() { Tile = (32, 32) } });
        var expected = new List<ImagePrediction>();
        foreach (var image in images)
            expected.Add(await alone.PredictAsync(image, cancellation: Cancellation));

        var found = new List<ImagePrediction>[Ranks];
        Shared(run, predictor => images.Select(image => predictor.PredictAsync(image, cancellation: Cancellation).Result).ToList(), found);

        Assert.All(found, one => Assert.All(one.Zip(expected), pair =>
        {
            Assert.Equal(pair.Second.Called, pair.First.Called);
            Assert.All(
                pair.First.Outputs.Zip(pair.Second.Outputs), outputs => Assert.Equal(outputs.Second.Value, outputs.First.Value, 1e-6));
        }));
        Assert.All(found[1..], one => Assert.Equal(found[0].Select(known => known.ToJson()), one.Select(known => known.ToJson())));
    }

    [Fact]
    public async Task Rank_0_writes_the_files_of_a_map_of_classes()
    {
        using var run = new KeptModel(new SegmentationTask(["ground", "roof", "road"]));
        var image = run.Image("a.png", 90, 210);
        using var alone = Predictor.Load(run.Run, new() { Streaming = new() { Tile = (32, 32) } });
        var expected = await alone.PredictMapAsync(image, run.File("one"), AllFiles, cancellation: Cancellation);
        var before = run.Files;

        var found = new MapSummary[Ranks];
        Shared(run, predictor => predictor.PredictMapAsync(image, run.File("all"), AllFiles, cancellation: Cancellation).Result, found);

        Assert.Equal(expected.Classes, found[0].Classes);
        Assert.Equal(expected.Regions.Select(region => region.Area), found[0].Regions.Select(region => region.Area));
        Assert.All(found[1..], summary => Assert.Empty(summary.Classes));
        Assert.Equal(["all.classes.tif", "all.overlay.png", "all.polygons.geojson", "all.probabilities.tif"], run.Files.Except(before));
        foreach (var ending in (string[])["classes.tif", "polygons.geojson"])
            Assert.True(File.ReadAllBytes(run.File($"one.{ending}")).SequenceEqual(File.ReadAllBytes(run.File($"all.{ending}"))), ending);
        using var scope = NewDisposeScope();
        var (one, all) = (Pixels(run.File("one.probabilities.tif")), Pixels(run.File("all.probabilities.tif")));
        Assert.Equal([1, 3, 90, 210], all.shape);
        Assert.True((one - all).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public async Task Rank_0_writes_the_files_of_a_map_of_numbers()
    {
        using var run = new KeptModel(new MapRegressionTask(["depth"]));
        var image = run.Image("a.png", 90, 210);
        using var alone = Predictor.Load(run.Run, new() { Streaming = new() { Tile = (32, 32) } });
        var expected = await alone.PredictNumbersAsync([image], run.File("one"), cancellation: Cancellation);

        var found = new IReadOnlyList<NumberSummary>[Ranks];
        Shared(run, predictor => predictor.PredictNumbersAsync([image], run.File("all"), cancellation: Cancellation).Result, found);

        Assert.Equal(expected[0].Positions, found[0][0].Positions);
        Assert.Equal(expected[0].Mean, found[0][0].Mean, 1e-5);
        Assert.All(found[1..], Assert.Empty);
        using var scope = NewDisposeScope();
        Assert.True((Pixels(run.File("one.values.tif")) - Pixels(run.File("all.values.tif"))).abs().max().item<float>() < 1e-5);
    }

    [Theory]
    [InlineData(SaliencyMethod.Gradient, HeadPooling.Average)]
    [InlineData(SaliencyMethod.Gradient, HeadPooling.Attention)]
    [InlineData(SaliencyMethod.SmoothGrad, HeadPooling.Max)]
    [InlineData(SaliencyMethod.ClassActivation, HeadPooling.Average)]
    [InlineData(SaliencyMethod.ClassActivation, HeadPooling.Attention)]
    [InlineData(SaliencyMethod.Attention, HeadPooling.Attention)]
    public void Each_rank_has_the_map_of_what_matters(SaliencyMethod method, HeadPooling pooling)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var image = rand(1, 3, 130, 309);
        var options = new SaliencyOptions { Method = method, Passes = 2, Blur = 2, TemporaryFolder = folder.Path };
        StreamingClassifier Model(StreamingOptions streaming)
        {
            manual_seed(3);
            return new(PaperTrunks.Small(), 2, streaming, pooling);
        }

        using var model = Model(new() { Tile = (48, 64) });
        using var expected = SaliencyMap.Compute(model, new TensorImageSource(image.alias()), options);
        var whole = (Map: expected.Read(0, 0, 130, 309), Raw: expected.ReadRaw(0, 0, 130, 309));

        var models = new StreamingClassifier[Ranks];
        var found = new (int Target, Tensor Map, Tensor Raw)[Ranks];
        ThreadRanks.Run(Ranks, ranks =>
        {
            // One after the other: they draw from one generator.
            for (var rank = 0; rank < Ranks; rank++)
            {
                if (ranks.Rank == rank)
                    models[rank] = Model(new() { Tile = (48, 64), SplitOver = ranks });
                ranks.Barrier().Wait();
            }

            using var own = models[ranks.Rank];
            using var source = new TensorImageSource(image.alias());
            using var map = SaliencyMap.Compute(own, source, options);
            found[ranks.Rank] = (
                map.Target,
                map.Read(0, 0, 130, 309).DetachFromDisposeScope(),
                map.ReadRaw(0, 0, 130, 309).DetachFromDisposeScope());
        });

        Assert.All(found, one =>
        {
            Assert.Equal(expected.Target, one.Target);
            Assert.True((one.Raw - whole.Raw).abs().max().item<float>() <= 1e-5 * whole.Raw.abs().max().item<float>());
            Assert.True((one.Map - whole.Map).abs().max().item<float>() <= 1e-4 * whole.Map.abs().max().item<float>());
            Assert.True(one.Raw.bytes.SequenceEqual(found[0].Raw.bytes));
        });
        // Those of the map that one process has made.
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }

    private static void Shared<T>(KeptModel run, Func<Predictor, T> ask, T[] found) => ThreadRanks.Run(Ranks, ranks =>
    {
        using var predictor = Predictor.Load(run.Run, new() { Streaming = new() { Tile = (32, 32), SplitOver = ranks } });
        found[ranks.Rank] = ask(predictor);
    });

    private static Tensor Pixels(string path)
    {
        using var file = ImageSource.Open(path);
        return file.Read(0, 0, file.Height, file.Width).to(ScalarType.Float32);
    }
}
