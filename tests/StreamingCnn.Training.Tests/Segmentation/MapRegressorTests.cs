using StreamingCnn.Distributed.Threads;
using StreamingCnn.Imaging;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Segmentation;

/// <summary>
/// Loss, gradients, errors and maps of numbers are those of the whole image, by PyTorch's own functions, whatever the tile and the size,
/// and without the numbers that were not measured.
/// </summary>
[Collection(nameof(Alone))]
public class MapRegressorTests
{
    private const double Rounding = 1e-12;

    private static readonly NumberScale[] Scales = [new(300, 40), new(0.002, 0.0005)];

    public static TheoryData<string, int, int, int> Cases()
    {
        var data = new TheoryData<string, int, int, int>();
        foreach (var loss in (string[])["squared", "absolute", "huber"])
            data.Add(loss, 37, 53, 9);
        foreach (var (height, width, tile) in ((int, int, int)[])[(40, 64, 16), (41, 42, 13), (43, 33, 64)])
            data.Add("squared", height, width, tile);
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Streamed_equals_whole(string loss, int height, int width, int tile)
    {
        using var scope = NewDisposeScope();
        using var model = new StreamingMapRegressor(Shapes.Trunk(), Scales, new() { Tile = (tile, tile) }, channels: 8);
        model.to(ScalarType.Float64);
        var image = randn([1, 3, height, width], ScalarType.Float64, generator: new Generator(5));
        var truth = Numbers(height, width);
        using var source = new TensorImageSource(image);
        using var numbers = new Kept(truth);

        var (squared, learned, errors) = model.Judge(source, numbers, Options(loss));
        learned.backward();
        var streamed = Gradients(model);
        foreach (var parameter in model.parameters())
            parameter.grad = null;

        // What is learned is on the scale of each number; what is not a number is neither learned nor judged.
        model.Head!.EnlargeTo(height, width);
        var output = model.Head.forward(model.Trunk.forward(image));
        var known = truth.isnan().logical_not();
        var (said, target) = (output[known], Normalised(truth)[known]);
        var expected = Formula(loss, said, target);
        expected.backward();
        Near(functional.mse_loss(said, target), squared);
        Near(expected, learned);
        var whole = Gradients(model);
        Assert.Equal(6, whole.Count);
        foreach (var (name, gradient) in whole)
            Assert.InRange(Distance(gradient, streamed[name]), 0, Rounding);

        var learnedNumbers = Normalised(truth);
        for (var number = 0; number < Scales.Length; number++)
        {
            // Numbers are compared as they were learned, in single precision.
            var has = known[0, number];
            var actual = (learnedNumbers[0, number][has] * Scales[number].Deviation) + Scales[number].Mean;
            Assert.InRange(Distance(truth[0, number][has].to(ScalarType.Float64), actual), 0, 1e-7);
            var predicted = (output[0, number][has].detach() * Scales[number].Deviation) + Scales[number].Mean;
            var found = errors[number];
            Assert.Equal(has.sum().item<long>(), found.Count);
            Near(actual.mean(), found.TrueMean);
            Near(predicted.mean(), found.PredictedMean);
            Near((predicted - actual).abs().mean(), found.MeanAbsolute);
            Near((predicted - actual).square().mean().sqrt(), found.RootMeanSquare);
            Near(1 - ((predicted - actual).square().sum() / (actual - actual.mean()).square().sum()), found.Determination);
            Near(corrcoef(stack([actual, predicted]))[0, 1], found.Pearson);
        }

        // The map that others see has the numbers themselves. Their scale is kept in single precision.
        var scaled = model.forward(image).detach();
        for (var number = 0; number < Scales.Length; number++)
        {
            var own = (output[0, number].detach() * (float)Scales[number].Deviation) + (float)Scales[number].Mean;
            Assert.InRange(Distance(own, scaled[0, number]), 0, Rounding);
        }
    }

    /// <summary>Each process has a stripe of the image, and sums of it; together they are those of one process.</summary>
    [Fact]
    public void Processes_that_share_an_image_find_the_same()
    {
        using var scope = NewDisposeScope();
        var (image, truth) = (randn([1, 3, 41, 90], ScalarType.Float64, generator: new Generator(5)), Numbers(41, 90));
        var found = new (IReadOnlyList<MapErrors> Errors, Dictionary<string, Tensor> Gradients)[3];
        for (var ranks = 1; ranks <= 2; ranks++)
        {
            Sequential[] trunks = [.. Enumerable.Range(0, ranks).Select(_ => Shapes.Trunk())];
            manual_seed(9);
            using var head = Conv2d(8, Scales.Length, 1);
            ThreadRanks.Run(ranks, own =>
            {
                using var model = new StreamingMapRegressor(
                    trunks[own.Rank], Scales, new() { Tile = (16, 16), SplitOver = own.Size > 1 ? own : null }, channels: 8);
                model.Head!.load_state_dict(new() { ["classifier.weight"] = head.weight, ["classifier.bias"] = head.bias! });
                model.to(ScalarType.Float64);
                using var source = new TensorImageSource(image);
                using var numbers = new Kept(truth);
                var (_, learned, errors) = model.Judge(source, numbers);
                learned.backward();
                found[own.Rank == 0 ? own.Size - 1 : 2] = (errors, Gradients(model));
            });
        }

        foreach (var other in found.Skip(1))
        {
            foreach (var (one, shared) in found[0].Errors.Zip(other.Errors))
            {
                Assert.Equal(one.Count, shared.Count);
                foreach (var (number, same) in one.ToNumbers().Zip(shared.ToNumbers()))
                    Assert.InRange(Math.Abs(number - same), 0, 1e-12 * Math.Abs(number));
            }
        }

        foreach (var (name, gradient) in found[0].Gradients)
            Assert.InRange(Distance(gradient, found[1].Gradients[name]), 0, Rounding);
    }

    [Fact]
    public void A_part_without_a_number_adds_nothing_and_a_map_of_another_size_is_refused()
    {
        using var scope = NewDisposeScope();
        using var model = new StreamingMapRegressor(Shapes.Trunk(), Scales, new() { Tile = (16, 16) }, channels: 8);
        var task = new MapRegressionTask(["height", "density"], Scales);
        var sample = new TrainingSample("field", -1, _ => new TensorImageSource(randn([1, 3, 20, 30])))
        {
            OpenMask = _ => new Kept(full([1, 2, 20, 30], float.NaN)),
        };

        var (prediction, _) = ImageModel.Step(model, task, sample, batch: 1);

        Assert.Equal(0, prediction.Loss);
        Assert.All(prediction.Values, value => Assert.Equal(0, value));
        Assert.All(model.parameters(), parameter => Assert.True(parameter.grad is null || !parameter.grad.ne(0).any().item<bool>()));
        Assert.Equal("Image 'field' has no map to learn from.", Refusal(sample with { OpenMask = null }));
        Assert.Equal(
            "The map has 1 channel(s), but 2 number(s) are predicted; give a channel for each.",
            Refusal(sample with { OpenMask = _ => new Kept(zeros([1, 1, 20, 30])) }));
        Assert.Equal(
            "The mask has 20 x 29 pixels (height x width), but its image has 20 x 30; give one of the image's size.",
            Refusal(sample with { OpenMask = _ => new Kept(zeros([1, 2, 20, 29])) }));

        string Refusal(TrainingSample other) => Assert.Throws<TrainingException>(() => ImageModel.Step(model, task, other)).Message;
    }

    [Fact]
    public void Errors_of_parts_together_are_those_of_all()
    {
        var random = new Random(3);
        (double True, double Said)[] all =
            [.. Enumerable.Range(0, 1000).Select(_ => (3000 + random.NextDouble(), 3000.1 + (0.9 * random.NextDouble())))];

        var together = all.Chunk(97).Select(Of).Aggregate(default(MapErrors), (sum, part) => sum + part) + default(MapErrors);

        var whole = Of(all);
        Assert.Equal(1000, together.Count);
        foreach (var (one, other) in whole.ToNumbers().Zip(together.ToNumbers()))
            Assert.InRange(Math.Abs(one - other), 0, 1e-9 * Math.Abs(one));
        Assert.Equal(Correlation.Pearson([.. all.Select(one => one.True)], [.. all.Select(one => one.Said)]), together.Pearson, 9);
        Assert.Equal(
            RegressionError.Determination([.. all.Select(one => one.Said)], [.. all.Select(one => one.True)]), together.Determination, 9);
        Assert.Equal(double.NaN, default(MapErrors).MeanAbsolute);

        static MapErrors Of((double True, double Said)[] part)
        {
            // As the network sees them: less what they all have.
            var near = part.Select(one => (T: one.True - 3000, P: one.Said - 3000)).ToArray();
            return MapErrors.Of(
            [
                near.Length, near.Sum(one => one.T), near.Sum(one => one.T * one.T), near.Sum(one => one.P), near.Sum(one => one.P * one.P),
                near.Sum(one => one.T * one.P), near.Sum(one => Math.Abs(one.P - one.T)),
                near.Sum(one => (one.P - one.T) * (one.P - one.T)),
            ], new(3000, 1));
        }
    }

    private static LossOptions? Options(string loss) => loss switch
    {
        "absolute" => new() { Map = MapLossKind.Absolute },
        "huber" => new() { HuberDistance = 0.7 },
        _ => null,
    };

    private static Tensor Formula(string loss, Tensor said, Tensor target) => loss switch
    {
        "absolute" => functional.l1_loss(said, target),
        "huber" => functional.huber_loss(said, target, 0.7),
        _ => functional.mse_loss(said, target),
    };

    /// <summary>Numbers of two scales, of which some were not measured, each for itself.</summary>
    private static Tensor Numbers(int height, int width)
    {
        var generator = new Generator(7);
        var numbers = stack([.. Scales.Select(scale =>
            (randn([height, width], ScalarType.Float32, generator: generator) * scale.Deviation) + scale.Mean)]).unsqueeze(0);
        return numbers.masked_fill(rand([1, 2, height, width], ScalarType.Float32, generator: generator).lt(0.3), float.NaN);
    }

    private static Tensor Normalised(Tensor numbers)
    {
        var each = Scales.Select((scale, number) => (numbers.narrow(1, number, 1) - (float)scale.Mean) / (float)scale.Deviation);
        return cat([.. each], 1).to(ScalarType.Float64);
    }

    private static Dictionary<string, Tensor> Gradients(StreamingMapRegressor model) =>
        model.named_parameters().ToDictionary(one => one.name, one => one.parameter.grad!.clone());

    private static double Distance(Tensor one, Tensor other) => (one - other).abs().max().item<double>() / one.abs().max().item<double>();

    private static void Near(Tensor expected, Tensor actual) => Near(expected, actual.to(ScalarType.Float64).item<double>());

    private static void Near(Tensor expected, double actual)
    {
        var number = expected.to(ScalarType.Float64).item<double>();
        Assert.InRange(Math.Abs(number - actual), 0, 1e-10 * Math.Max(1e-6, Math.Abs(number)));
    }

    /// <summary>A map that is read as it is.</summary>
    private sealed class Kept(Tensor map) : IImageSource
    {
        public int Channels => (int)map.shape[1];

        public long Height => map.shape[2];

        public long Width => map.shape[3];

        public Tensor Read(long top, long left, long height, long width) => map.narrow(2, top, height).narrow(3, left, width).clone();

        public void Dispose()
        {
        }
    }
}
