using System.Globalization;
using CsCheck;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// The law of the engine: a random network, on a random image, at random tiles, gives the outputs and gradients of the whole image.
/// Set STREAMINGCNN_CASES to run more cases than the default.
/// </summary>
public class RandomNetworkTests
{
    private const double Tolerance = 1e-11;

    private static readonly long Cases =
        long.TryParse(Environment.GetEnvironmentVariable("STREAMINGCNN_CASES"), CultureInfo.InvariantCulture, out var cases) ? cases : 300;

    private static readonly Gen<Case> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 4], Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 2],
        (seed, layers, channels, height, width, tileHeight, tileWidth, batch) =>
            new Case(seed, layers, channels, height, width, (tileHeight, tileWidth), batch));

    [Fact]
    public void A_streamed_network_equals_the_whole_image() => AnyCase.Sample(c => Check(c, StreamingMode.ExactlyOnce), iter: Cases, threads: 1);

    [Fact]
    public void So_it_does_whatever_is_kept_and_however_late_maps_advance() => Gen.Select(AnyCase, Gen.Int[2, 4], Gen.Int[1, 4], Gen.Int[0, 4], Gen.Long[0, 60_000]).Sample(
        (c, stride, period, longer, budget) => Check(c, StreamingMode.ExactlyOnce, [(stride, period), (stride + 1, period + longer)], budget), iter: Cases / 2, threads: 1);

    [Fact]
    public void Overlapping_tiles_equal_the_whole_image() => AnyCase.Sample(c => Check(c, StreamingMode.Overlap), iter: Cases / 3, threads: 1);

    [Fact]
    public void Gradients_given_row_by_row_equal_the_image_s() => AnyCase.Sample(CheckRows, iter: Cases / 3, threads: 1);

    [Fact]
    public void Random_layers_draw_the_same_numbers_at_every_tile_and_in_the_recomputation() => AnyCase.Sample(CheckDraws, iter: Cases / 6, threads: 1);

    [Fact]
    public void Several_outputs_equal_those_of_the_whole_image() => AnyCase.Sample(CheckOutputs, iter: Cases / 6, threads: 1);

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
            using var network = new RandomNetwork(random.Next(1_000_000), random.Next(1, 10), random.Next(1, 5), random.Next(1, 61), random.Next(1, 61));
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
        using var network = new RandomNetwork(c.Seed, c.Layers, c.Channels, c.Height, c.Width);
        network.TrainRandomLayers();
        var image = randn(c.Batch, c.Channels, c.Height, c.Width, dtype: ScalarType.Float64).requires_grad_(true);
        var (expected, gradient, expectedGradients) = Run((c.Height, c.Width), null);
        var (actual, _, gradients) = Run(c.Tile, gradient);

        Assert.True(Compare.RelativeError(actual, expected) < Tolerance, $"Output of {network}");
        AssertEqual(gradients, expectedGradients, network);

        (Tensor Output, Tensor Gradient, Dictionary<string, Tensor?> Gradients) Run((int, int) tile, Tensor? given)
        {
            manual_seed(c.Seed);
            using var streaming = new StreamingModule(network, Options(c) with { Tile = tile });
            var output = streaming.forward(image);
            given ??= randn(output.shape, dtype: ScalarType.Float64);
            output.backward([given]);
            return (output.detach(), given, Gradients(network, image));
        }
    }

    private static void CheckOutputs(Case c)
    {
        using var scope = NewDisposeScope();
        using var network = new RandomNetwork(c.Seed, c.Layers, c.Channels, c.Height, c.Width);
        using var pyramid = new RandomPyramid(network, c.Seed);
        var image = randn(c.Batch, c.Channels, c.Height, c.Width, dtype: ScalarType.Float64).requires_grad_(true);
        var expected = pyramid.forward(image);
        var gradients = expected.Select(output => randn(output.shape, dtype: ScalarType.Float64)).ToArray();
        autograd.backward(expected, gradients);
        var expectedGradients = Gradients(network, image);

        using var streaming = new StreamingPyramid(pyramid, Options(c));
        var actual = streaming.forward(image);
        autograd.backward(actual, gradients);

        for (var output = 0; output < expected.Length; output++)
            Assert.True(Compare.RelativeError(actual[output].detach(), expected[output].detach()) < Tolerance, $"Output {output} of {network}");
        AssertEqual(Gradients(network, image), expectedGradients, network);
    }

    private static void CheckRows(Case c)
    {
        using var scope = NewDisposeScope();
        using var network = new RandomNetwork(c.Seed, c.Layers, c.Channels, c.Height, c.Width);
        // Without parameters nothing tells the precision, and sources are read in float32.
        if (!network.parameters().Any())
            return;
        var image = randn(1, c.Channels, c.Height, c.Width, dtype: ScalarType.Float64).requires_grad_(true);
        using var streaming = new StreamingModule(network, Options(c));
        var output = streaming.forward(image);
        var gradient = randn(output.shape, dtype: ScalarType.Float64);
        output.backward([gradient]);

        var expectedTop = (long)c.Height;
        var rows = zeros_like(image);
        using var source = new MemorySource(image.detach());
        streaming.forward(source, (top, band) =>
        {
            Assert.Equal(expectedTop, top + band.shape[2]);
            expectedTop = top;
            rows.narrow(2, top, band.shape[2]).copy_(band);
        }).backward([gradient]);

        Assert.Equal(0, expectedTop);
        var error = Compare.RelativeError(rows, image.grad!);
        Assert.True(error < Tolerance, $"Image gradient differs by {error:e2} in {network}");
    }

    // In float64, in which errors show, channels come first unless asked otherwise; in float32 on a processor they come last.
    private static StreamingOptions Options(Case c) => new() { Tile = c.Tile, ChannelsLast = c.Seed % 2 == 0 };

    private static void Check(Case c, StreamingMode mode, IReadOnlyList<(int, int)>? late = null, long? budget = null)
    {
        using var scope = NewDisposeScope();
        using var network = new RandomNetwork(c.Seed, c.Layers, c.Channels, c.Height, c.Width);
        var image = randn(c.Batch, c.Channels, c.Height, c.Width, dtype: ScalarType.Float64).requires_grad_(true);

        var expected = network.forward(image);
        if (!expected.requires_grad)
            return;
        var gradient = randn(expected.shape, dtype: ScalarType.Float64);
        expected.backward([gradient]);
        var expectedGradients = Gradients(network, image);

        using var streaming = new StreamingModule(network, Options(c) with { Mode = mode, LateMaps = late, MemoryBudget = budget is > 0 ? budget : null });
        var actual = streaming.forward(image);
        actual.backward([gradient]);

        Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < Tolerance, $"Output of {network}");
        AssertEqual(Gradients(network, image), expectedGradients, network);
    }

    private static void AssertEqual(Dictionary<string, Tensor?> gradients, Dictionary<string, Tensor?> expected, RandomNetwork network)
    {
        // A gradient that is nothing but rounding (a weight whose effect cancels, such as a bias before a softmax) is measured against the others:
        // with this floor, what is tolerated is a few units in the last place of the largest gradient.
        var floor = 1e-4 * expected.Values.Max(g => g is null ? 0 : g.abs().max().item<double>());
        foreach (var (name, value) in gradients)
        {
            var reference = expected[name];
            Assert.True(value is null == reference is null, $"Gradient of {name} is there in one run only, in {network}");
            var error = value is null ? 0 : Compare.RelativeError(value, reference!, floor);
            Assert.True(error < Tolerance, $"Gradient of {name} differs by {error:e2} in {network}");
        }
    }

    private static Dictionary<string, Tensor?> Gradients(RandomNetwork network, Tensor image)
    {
        var gradients = network.named_parameters().ToDictionary(p => p.name, p => Taken(p.parameter));
        gradients["image"] = Taken(image);
        return gradients;

        static Tensor? Taken(Tensor parameter)
        {
            var gradient = parameter.grad;
            parameter.grad = null;
            return gradient;
        }
    }

    private sealed record Case(int Seed, int Layers, int Channels, int Height, int Width, (int, int) Tile, int Batch);

    /// <summary>A random network of which some maps besides the last are outputs; one may be an output twice, or the image itself.</summary>
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
