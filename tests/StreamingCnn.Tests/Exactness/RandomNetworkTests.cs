using CsCheck;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// The law of the engine: a random network, on a random image, at random tiles, gives the outputs and gradients of the whole image.
/// Set STREAMINGCNN_CASES to run more cases.
/// </summary>
public class RandomNetworkTests
{
    private static readonly long Count = Cases.Or(150);

    private static readonly Gen<Case> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 4], Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 2],
        (seed, layers, channels, height, width, tileHeight, tileWidth, batch) =>
            new Case(seed, layers, channels, height, width, (tileHeight, tileWidth), batch));

    [Fact]
    public void A_streamed_network_equals_the_whole_image() =>
        AnyCase.Sample(c => Check(c, StreamingMode.ExactlyOnce), iter: Count, threads: 1);

    [Fact]
    public void So_it_does_whatever_is_kept_and_however_late_maps_advance() => Gen.Select(
        AnyCase, Gen.Int[2, 4], Gen.Int[1, 4], Gen.Int[0, 4], Gen.Long[0, 60_000]).Sample(
        (c, stride, period, longer, budget) =>
            Check(c, StreamingMode.ExactlyOnce, [(stride, period), (stride + 1, period + longer)], budget),
        iter: Count / 2,
        threads: 1);

    [Fact]
    public void Overlapping_tiles_equal_the_whole_image() =>
        AnyCase.Sample(c => Check(c, StreamingMode.Overlap), iter: Count / 3, threads: 1);

    [Fact]
    public void Gradients_given_row_by_row_equal_the_image_s() => AnyCase.Sample(CheckRows, iter: Count / 3, threads: 1);

    [Fact]
    public void Random_layers_draw_the_same_numbers_at_every_tile_and_in_the_recomputation() =>
        AnyCase.Sample(CheckDraws, iter: Count / 6, threads: 1);

    [Fact]
    public void Several_outputs_equal_those_of_the_whole_image() => AnyCase.Sample(CheckOutputs, iter: Count / 6, threads: 1);

    [Fact]
    public void Every_supported_layer_occurs_in_the_default_number_of_cases()
    {
        string[] expected =
        [
            "convolution", "convolution with groups", "convolution with dilation", "convolution with stride", "convolution, uneven padding",
            "convolution, padding same", "convolution, padding reflect", "convolution, padding replicate", "transposed convolution",
            "max pooling", "max pooling in ceil mode", "max pooling with dilation",
            "average pooling, padding counted", "average pooling, padding not counted", "average pooling in ceil mode", "average pooling with a divisor",
            "nearest", "nearest to a size", "bilinear", "bilinear, corners aligned", "bilinear to a size", "bilinear to a size, corners aligned",
            "bicubic", "bicubic, corners aligned", "bicubic to a size", "bicubic to a size, corners aligned",
            "attention in windows", "attention in shifted windows", "neighbourhood attention", "blur pooling", "stacked patches",
            "shuffle", "unshuffle", "pad zeros", "pad constant", "pad reflect", "pad replicate",
            "batch norm", "layer norm", "layer norm, channels last", "linear, channels last", "layer scale",
            "dropout", "dropout of channels", "stochastic depth", "taught by the registry",
            "PReLU", "ReLU", "ReLU6", "leaky ReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "hard tanh", "hard swish", "hard sigmoid", "sigmoid", "tanh",
            "softsign", "threshold", "RReLU", "soft shrink", "hard shrink", "tanh shrink", "log sigmoid", "softplus", "GLU", "channel shuffle",
            "softmax", "log softmax", "softmax 2d",
            "add", "multiply", "concatenate", "slice of channels", "module used twice",
        ];
        var random = new Random(1);
        var occurrences = new Dictionary<string, int>();
        for (var i = 0; i < 300; i++)
        {
            using var scope = NewDisposeScope();
            using var network = new RandomNetwork(
                random.Next(1_000_000), random.Next(1, 10), random.Next(1, 5), random.Next(1, 61), random.Next(1, 61));
            foreach (var feature in network.Features)
                occurrences[feature] = occurrences.GetValueOrDefault(feature) + 1;
        }

        Assert.Empty(expected.Except(occurrences.Keys));
        Assert.Empty(occurrences.Keys.Except(expected));
    }

    /// <summary>A tile that covers the image is ordinary backpropagation, with the engine's own random numbers.</summary>
    private static void CheckDraws(Case c)
    {
        using var scope = NewDisposeScope();
        using var network = c.Network();
        network.TrainRandomLayers();
        var image = c.Image();
        Func<Tensor, Tensor[]> Seeded((int, int) tile) => x =>
        {
            manual_seed(c.Seed);
            using var streaming = new StreamingModule(network, Options(c) with { Tile = tile });
            return [streaming.forward(x)];
        };
        AssertSame(c, network, image, Seeded(c.Tile), Seeded((c.Height, c.Width)));
    }

    private static void CheckOutputs(Case c)
    {
        using var scope = NewDisposeScope();
        using var network = c.Network();
        using var pyramid = new RandomPyramid(network, c.Seed);
        using var streaming = new StreamingPyramid(pyramid, Options(c));
        AssertSame(c, network, c.Image(), streaming.forward, pyramid.forward);
    }

    private static void CheckRows(Case c)
    {
        using var scope = NewDisposeScope();
        using var network = c.Network();
        // Without parameters nothing tells the precision, and sources are read in float32.
        if (!network.parameters().Any())
            return;
        var image = (c with { Batch = 1 }).Image();
        using var streaming = new StreamingModule(network, Options(c));
        var (expected, given) = Step(c, network, image, x => [streaming.forward(x)]);

        var expectedTop = (long)c.Height;
        var rows = zeros_like(image);
        using var source = new MemorySource(image.detach());
        var output = streaming.forward(source, (top, band) =>
        {
            Assert.Equal(expectedTop, top + band.shape[2]);
            expectedTop = top;
            rows.narrow(2, top, band.shape[2]).copy_(band);
        });
        output.backward(given);

        Assert.Equal(0, expectedTop);
        image.grad = rows;
        var actual = Taken(network, image, [output]);
        ExactnessLaw.Holds(
            actual, expected, () => Step(c, network, image, x => [streaming.forward(x)]).Results, Leaves(network, image), network);
    }

    // In float64, in which errors show, channels come first unless asked otherwise; in float32 on a processor they come last.
    private static StreamingOptions Options(Case c) => new() { Tile = c.Tile, ChannelsLast = c.Seed % 2 == 0 };

    private static void Check(Case c, StreamingMode mode, IReadOnlyList<(int, int)>? late = null, long? budget = null)
    {
        using var scope = NewDisposeScope();
        using var network = c.Network();
        var options = Options(c) with { Mode = mode, LateMaps = late, MemoryBudget = budget is > 0 ? budget : null };
        using var streaming = new StreamingModule(network, options);
        AssertSame(c, network, c.Image(), x => [streaming.forward(x)], x => [network.forward(x)]);
    }

    private static void AssertSame(
        Case c, RandomNetwork network, Tensor image, Func<Tensor, Tensor[]> streamed, Func<Tensor, Tensor[]> whole)
    {
        var expected = Step(c, network, image, whole).Results;
        var actual = Step(c, network, image, streamed).Results;
        ExactnessLaw.Holds(actual, expected, () => Step(c, network, image, whole).Results, Leaves(network, image), network);
    }

    /// <summary>A forward and a backward pass from the case's own gradients.</summary>
    private static (StepResults Results, Tensor[] Given) Step(
        Case c, RandomNetwork network, Tensor image, Func<Tensor, Tensor[]> forward)
    {
        var outputs = forward(image);
        using var generator = new Generator((ulong)c.Seed + 1);
        Tensor[] given = [.. outputs.Select(output => randn(output.shape, ScalarType.Float64, generator: generator))];
        autograd.backward(outputs, given);
        return (Taken(network, image, outputs), given);
    }

    private static StepResults Taken(RandomNetwork network, Tensor image, Tensor[] outputs)
    {
        var results = StepResults.OfOutputs(outputs);
        results.TakeGradient("the image", image);
        foreach (var (name, parameter) in network.named_parameters())
            results.TakeGradient(name, parameter);
        return results;
    }

    private static Tensor[] Leaves(RandomNetwork network, Tensor image) => [image, .. network.parameters()];

    /// <summary>What a test draws; all else follows from it.</summary>
    private sealed record Case(int Seed, int Layers, int Channels, int Height, int Width, (int, int) Tile, int Batch)
    {
        public RandomNetwork Network() => new(Seed, Layers, Channels, Height, Width);

        public Tensor Image()
        {
            using var generator = new Generator((ulong)Seed);
            return randn([Batch, Channels, Height, Width], ScalarType.Float64, generator: generator).requires_grad_(true);
        }
    }

    /// <summary>
    /// A random network of which some maps besides the last are outputs; one may be an output twice, or the image itself.
    /// </summary>
    private sealed class RandomPyramid : MultiOutputBlock
    {
        private readonly RandomNetwork network;
        private readonly int seed;

        public RandomPyramid(RandomNetwork network, int seed)
            : base(nameof(RandomPyramid))
        {
            (this.network, this.seed) = (network, seed);
            RegisterComponents();
            eval();
        }

        public override IReadOnlyList<FeatureMap> Trace(FeatureMap input)
        {
            var random = new Random(seed);
            var maps = network.TraceAll(input);
            return [maps[random.Next(maps.Count)], maps[^1], maps[random.Next(maps.Count)]];
        }
    }
}
