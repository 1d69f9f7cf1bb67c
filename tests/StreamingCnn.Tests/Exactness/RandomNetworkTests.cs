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
    public void Overlapping_tiles_equal_the_whole_image() => AnyCase.Sample(c => Check(c, StreamingMode.Overlap), iter: Cases / 3, threads: 1);

    [Fact]
    public void Gradients_given_row_by_row_equal_the_image_s() => AnyCase.Sample(CheckRows, iter: Cases / 3, threads: 1);

    private static void CheckRows(Case c)
    {
        using var scope = NewDisposeScope();
        using var network = new RandomNetwork(c.Seed, c.Layers, c.Channels, c.Height, c.Width);
        // Without parameters nothing tells the precision, and sources are read in float32.
        if (!network.parameters().Any())
            return;
        var image = randn(1, c.Channels, c.Height, c.Width, dtype: ScalarType.Float64).requires_grad_(true);
        using var streaming = new StreamingModule(network, new() { Tile = c.Tile });
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

    private static void Check(Case c, StreamingMode mode)
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

        using var streaming = new StreamingModule(network, new() { Tile = c.Tile, Mode = mode });
        var actual = streaming.forward(image);
        actual.backward([gradient]);

        Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < Tolerance, $"Output of {network}");
        // A gradient that is nothing but rounding (a weight whose effect cancels, such as a bias before a softmax) is measured against the others:
        // with this floor, what is tolerated is a few units in the last place of the largest gradient.
        var floor = 1e-4 * expectedGradients.Values.Max(g => g is null ? 0 : g.abs().max().item<double>());
        foreach (var (name, value) in Gradients(network, image))
        {
            var reference = expectedGradients[name];
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
}
