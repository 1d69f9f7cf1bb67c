using StreamingCnn.Imaging.Maps;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Saliency;
using StreamingCnn.Training.Serving;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Serving;

/// <summary>What a program gets of a run that training has kept.</summary>
public class PredictorTests
{
    private static readonly ClassificationTask Classes = new(["dark", "light"]);
    private static readonly PredictorOptions SmallTiles = new() { Streaming = new() { Tile = (32, 32) } };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_prediction_is_the_network_s_of_the_whole_image_calibrated_and_called_by_the_kept_threshold()
    {
        const double Temperature = 2.5;
        var image = "";
        foreach (var threshold in (double[])[0.01, 0.99])
        {
            var point = new OperatingPoint(OperatingRule.Parse("sensitivity=0.9")!, [1 - threshold, threshold]);
            using var run = new KeptModel(Classes, new() { Temperature = Temperature, Point = point });
            image = run.Image("a.png", 70, 90);
            using var predictor = Predictor.Load(run.Run, SmallTiles);

            var prediction = await predictor.PredictAsync(image, cancellation: Cancellation);

            var (model, _) = ModelDescription.Load(new RunFolder(run.Run).BestWeights);
            using (model)
            using (no_grad())
            using (var source = run.Description.Preparation.Open(image))
            {
                model.eval();
                var map = model.Trunk.forward(source.Read(0, 0, source.Height, source.Width));
                var expected = (model.Head.forward(map) / Temperature).softmax(1);
                Assert.Equal(expected[0, 1].item<float>(), prediction.Outputs[1].Value, 1e-5);
            }

            Assert.Equal(image, prediction.Image);
            Assert.Equal(["dark", "light"], prediction.Outputs.Select(output => output.Name));
            Assert.Equal(1, prediction.Outputs.Sum(output => output.Value), 1e-6);
            Assert.Equal([1 - threshold, threshold], prediction.Outputs.Select(output => output.Threshold!.Value));
            Assert.Equal([threshold < 0.5 ? "light" : "dark"], prediction.Called);
            Assert.Empty(prediction.Remarks);
        }
    }

    [Fact]
    public async Task Labels_are_all_that_are_called_and_numbers_call_nothing()
    {
        using var labels = new KeptModel(new MultiLabelTask(["a", "b"]));
        using var numbers = new KeptModel(new RegressionTask(["age"]));
        using var ofLabels = Predictor.Load(labels.Run);
        using var ofNumbers = Predictor.Load(numbers.Run);

        var called = await ofLabels.PredictAsync(labels.Image("a.png", 40, 40), cancellation: Cancellation);
        var number = await ofNumbers.PredictAsync(numbers.Image("a.png", 40, 40), cancellation: Cancellation);

        Assert.Equal(called.Outputs.Where(output => output.Value >= 0.5).Select(output => output.Name), called.Called);
        Assert.All(called.Outputs, output => Assert.Null(output.Threshold));
        Assert.Empty(number.Called);
        Assert.Equal("age", Assert.Single(number.Outputs).Name);
    }

    [Fact]
    public async Task Threads_that_ask_at_once_get_what_one_after_the_other_gets_to_the_last_bit()
    {
        const int Threads = 8, Each = 6;
        using var run = new KeptModel(Classes);
        string[] images = [.. Enumerable.Range(0, Threads).Select(i => run.Image($"{i}.png", 50 + (9 * i), 80 - (5 * i)))];
        using var predictor = Predictor.Load(run.Run, SmallTiles);
        var expected = new List<string>();
        foreach (var image in images)
            expected.Add((await predictor.PredictAsync(image, cancellation: Cancellation)).ToJson());

        var found = await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(
            async () =>
            {
                var texts = new List<(int Image, string Text)>();
                for (var i = 0; i < Each; i++)
                {
                    var image = (thread + i) % Threads;
                    texts.Add((image, (await predictor.PredictAsync(images[image], cancellation: Cancellation)).ToJson()));
                }

                return texts;
            },
            Cancellation)));

        Assert.Equal(Threads * Each, found.Sum(texts => texts.Count));
        Assert.All(found.SelectMany(texts => texts), one => Assert.Equal(expected[one.Image], one.Text));
        Assert.Equal(Threads, expected.Distinct().Count());
    }

    [Fact]
    public async Task Progress_is_told_and_cancelling_ends_a_prediction_between_two_tiles()
    {
        using var run = new KeptModel(Classes);
        var image = run.Image("a.png", 200, 200);
        using var predictor = Predictor.Load(run.Run, SmallTiles);
        var tiles = new List<TileProgress>();
        var whole = await predictor.PredictAsync(image, new AtTiles(tiles.Add), Cancellation);
        Assert.Equal(Enumerable.Range(1, tiles[0].Total), tiles.Select(tile => tile.Done));
        Assert.True(tiles.Count > 10);

        using var cancel = new CancellationTokenSource();
        var seen = 0;
        var cancelled = predictor.PredictAsync(
            image,
            new AtTiles(tile =>
            {
                if (++seen == 3)
                    cancel.Cancel();
            }),
            cancel.Token);

        var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(cancel.Token, failure.CancellationToken);
        Assert.Equal(3, seen);
        Assert.True(cancelled.IsCanceled);
        Assert.Equal(whole.ToJson(), (await predictor.PredictAsync(image, cancellation: Cancellation)).ToJson());
    }

    [Fact]
    public async Task What_waits_is_cancelled_at_once_and_the_others_are_not()
    {
        using var run = new KeptModel(Classes);
        var image = run.Image("a.png", 60, 60);
        using var predictor = Predictor.Load(run.Run);
        using var hold = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();

        var first = predictor.PredictAsync(image, new AtTiles(_ => hold.Wait(Cancellation)), Cancellation);
        var waiting = predictor.PredictAsync(image, cancellation: cancel.Token);
        var last = predictor.PredictAsync(image, cancellation: Cancellation);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.False(first.IsCompleted);
        hold.Set();
        Assert.Equal((await first).ToJson(), (await last).ToJson());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => predictor.PredictAsync(image, cancellation: cancel.Token));
    }

    [Fact]
    public async Task Disposing_ends_what_goes_on_and_what_waits_with_a_sentence()
    {
        const string Sentence = "The predictor has been disposed; load the run again.";
        using var run = new KeptModel(Classes);
        var image = run.Image("a.png", 200, 200);
        var predictor = Predictor.Load(run.Run, SmallTiles);
        using var started = new ManualResetEventSlim();
        var tiles = 0;

        var running = predictor.PredictAsync(
            image,
            new AtTiles(tile =>
            {
                Interlocked.Increment(ref tiles);
                started.Set();
                Thread.Sleep(20);
            }),
            Cancellation);
        var waiting = predictor.PredictAsync(image, cancellation: Cancellation);
        started.Wait(Cancellation);
        predictor.Dispose();
        predictor.Dispose();

        foreach (var ended in (Task[])[running, waiting, predictor.PredictAsync(image, cancellation: Cancellation)])
            Assert.Equal(Sentence, (await Assert.ThrowsAsync<ObjectDisposedException>(() => ended)).Message);
        Assert.InRange(tiles, 1, 20);
    }

    [Fact]
    public async Task A_prediction_may_dispose_its_own_predictor()
    {
        using var run = new KeptModel(Classes);
        var predictor = Predictor.Load(run.Run, SmallTiles);

        var running = predictor.PredictAsync(run.Image("a.png", 100, 100), new AtTiles(_ => predictor.Dispose()), Cancellation);

        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        Predictor.Load(run.Run).Dispose();
    }

    [Fact]
    public async Task What_cannot_be_loaded_or_predicted_is_said_in_a_sentence()
    {
        using var run = new KeptModel(Classes);
        Directory.CreateDirectory(run.File("empty"));
        Assert.Equal(
            $"There is no file '{run.File("nowhere")}'.", Assert.Throws<WeightFileException>(() => Predictor.Load(run.File("nowhere"))).Message);
        Assert.Equal(
            $"The folder '{run.File("empty")}' holds no weights; name the folder of a run that has finished an epoch, or a file of weights.",
            Assert.Throws<WeightFileException>(() => Predictor.Load(run.File("empty"))).Message);
        File.WriteAllText(run.File("text.png"), "this is no image");
        using var predictor = Predictor.Load(run.Run);

        foreach (var name in (string[])["text.png", "nowhere.png"])
        {
            var failure = await Assert.ThrowsAsync<PredictionException>(
                () => predictor.PredictAsync(run.File(name), cancellation: Cancellation));
            Assert.StartsWith($"{run.File(name)}: ", failure.Message);
            Assert.DoesNotContain('\n', failure.Message);
            await Assert.ThrowsAsync<PredictionException>(
                () => predictor.WriteOverlayAsync(run.File(name), run.File("a.png"), cancellation: Cancellation));
        }

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => predictor.PredictMapAsync(run.File("text.png"), run.File("stem"), new(), cancellation: Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => predictor.WriteOverlayAsync(
            run.File("text.png"), run.File("a.png"), new() { Target = 2 }, cancellation: Cancellation));
        Assert.False(File.Exists(run.File("a.png")));
    }

    [Theory]
    [InlineData(SaliencyMethod.Gradient, HeadPooling.Average)]
    [InlineData(SaliencyMethod.ClassActivation, HeadPooling.Max)]
    [InlineData(SaliencyMethod.Attention, HeadPooling.Attention)]
    public async Task Overlays_are_pictures_and_change_no_prediction(SaliencyMethod method, HeadPooling pooling)
    {
        using var run = new KeptModel(Classes, pooling: pooling);
        var image = run.Image("a.png", 120, 100);
        using var predictor = Predictor.Load(run.Run, SmallTiles);
        var before = await predictor.PredictAsync(image, cancellation: Cancellation);

        var overlay = predictor.WriteOverlayAsync(image, run.File("o.png"), new() { Method = method }, cancellation: Cancellation);
        var meanwhile = predictor.PredictAsync(image, cancellation: Cancellation);
        await overlay;

        Assert.Equal(before.ToJson(), (await meanwhile).ToJson());
        Assert.True(Imaging.ImageInfo.Read(run.File("o.png")).Width >= 800);
    }

    [Theory]
    [InlineData(TilePass.Forward)]
    [InlineData(TilePass.Backward)]
    public async Task A_cancelled_overlay_leaves_nothing_behind(TilePass pass)
    {
        using var run = new KeptModel(Classes);
        var image = run.Image("a.png", 120, 100);
        Directory.CreateDirectory(run.File("temporary"));
        using var predictor = Predictor.Load(run.Run, SmallTiles);
        var before = run.Files;
        using var cancel = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => predictor.WriteOverlayAsync(
            image,
            run.File("o.png"),
            new() { TemporaryFolder = run.File("temporary") },
            progress: new AtTiles(tile =>
            {
                if (tile.Pass == pass)
                    cancel.Cancel();
            }),
            cancellation: cancel.Token));

        Assert.Equal(before, run.Files);
        await predictor.WriteOverlayAsync(image, run.File("o.png"), cancellation: Cancellation);
    }

    [Fact]
    public async Task Maps_of_classes_are_files_or_nothing()
    {
        using var run = new KeptModel(new SegmentationTask(["ground", "roof", "road"]));
        var image = run.Image("a.png", 90, 110);
        var all = new MapFilesOptions { ClassMap = true, Polygons = true, Overlay = true, Probabilities = MapSamples.Byte };
        using var predictor = Predictor.Load(run.Run, SmallTiles);
        var before = run.Files;
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => predictor.PredictMapAsync(image, run.File("a"), all, new AtTiles(_ => cancel.Cancel()), cancel.Token));
        Assert.Equal(before, run.Files);

        var summary = await predictor.PredictMapAsync(image, run.File("a"), all, cancellation: Cancellation);

        Assert.Equal(90 * 110, summary.Classes.Sum(known => known.Positions));
        Assert.Equal(["ground", "roof", "road"], summary.Classes.Select(known => known.Class.Name));
        Assert.Equal(
            ["a.classes.tif", "a.overlay.png", "a.polygons.geojson", "a.probabilities.tif"], run.Files.Except(before));
        Assert.Equal(
            "The model gives maps and does not judge images as a whole; call PredictMapAsync for classes, or PredictNumbersAsync for numbers.",
            (await Assert.ThrowsAsync<InvalidOperationException>(
                () => predictor.PredictAsync(image, cancellation: Cancellation))).Message);
    }
}
