using CsCheck;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Foreground;

/// <summary>
/// The law for what is asked for alone: a random network whose pooling or loss looks at a random mask gives the outputs and gradients of
/// the masked whole image, though nothing is computed that no position of the mask reads. Memory that nobody has written holds no numbers.
/// Set STREAMINGCNN_CASES to run more cases.
/// </summary>
public sealed class RandomForegroundTests
{
    private static readonly Func<long, MapPooling>[] Poolings =
    [
        _ => new MeanPooling(), _ => new MaxPooling(), _ => new TopKPooling(2), channels => new GatedAttentionPooling(channels, 3),
        _ => new SumPooling(), _ => new LogSumExpPooling(), _ => new LogitAttention(), _ => new VariancePooling(), _ => new GeMPooling(),
    ];

    private static readonly Func<MapLoss>[] Losses =
    [
        () => new DiceCrossEntropyMapLoss(ClassActivation.Sigmoid, ignoreIndex: 2), () => new HuberMapLoss(weighted: true),
        () => new BinaryFocalMapLoss(ignoreIndex: 2), () => new CrossEntropyMapLoss(), () => new DiceMapLoss(ignoreIndex: -100),
    ];

    private static readonly Gen<(int Seed, int Layers, int Height, int Width, int TileHeight, int TileWidth, int Batch)> Any = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 48], Gen.Int[1, 48], Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[1, 2]);

    [Fact]
    public void A_pooling_of_a_foreground_is_that_of_the_whole_image() => Any.Sample(CheckPooling, iter: Cases.Or(60), threads: 1);

    [Fact]
    public void A_loss_of_a_foreground_is_that_of_the_whole_image() => Any.Sample(CheckLoss, iter: Cases.Or(60), threads: 1);

    [Fact]
    public void A_map_within_a_foreground_is_that_of_the_whole_image() => Any.Sample(CheckMap, iter: Cases.Or(60), threads: 1);

    private static void CheckPooling((int Seed, int Layers, int Height, int Width, int TileHeight, int TileWidth, int Batch) drawn)
    {
        using var scope = NewDisposeScope();
        var (seed, layers, height, width, tileHeight, tileWidth, batch) = drawn;
        var random = new Random(seed);
        using var network = new RandomNetwork(seed, layers, 2, height, width, looksAtWholeMaps: seed % 4 == 0);
        using var image = randn(batch, 2, height, width, dtype: ScalarType.Float64).requires_grad_();
        var shape = network.forward(image).shape;
        var mask = RandomMask.Draw(random, batch, shape[2], shape[3]);
        // Of few positions a variance, and what comes of the two largest, may be nothing but rounding.
        var kind = (mask.sum([1, 2, 3]).min().item<double>() < 6 ? 0 : seed / 4) % Poolings.Length;
        using var masked = new MaskedNetwork(network, Poolings[kind](shape[1]));
        masked.to(ScalarType.Float64);
        using var streaming = new StreamingNetwork(masked, Options(seed, (tileHeight, tileWidth)));

        Holds(
            () => masked.forward([image, mask]).Single(),
            () => streaming.forward([image, mask]).Single(),
            [image, .. masked.parameters()],
            masked,
            $"{masked.Pooling.GetName()}, {drawn}: {network}");
    }

    private static void CheckMap((int Seed, int Layers, int Height, int Width, int TileHeight, int TileWidth, int Batch) drawn)
    {
        using var scope = NewDisposeScope();
        var (seed, layers, height, width, tileHeight, tileWidth, batch) = drawn;
        var random = new Random(seed);
        using var network = new RandomNetwork(seed, layers, 2, height, width, looksAtWholeMaps: seed % 4 == 0);
        using var image = randn(batch, 2, height, width, dtype: ScalarType.Float64).requires_grad_();
        var shape = network.forward(image).shape;
        var mask = RandomMask.Draw(random, batch, shape[2], shape[3]);
        using var within = new MapWithin(network, elsewhere: seed % 3 == 0 ? 0 : -1.5);
        using var streaming = new StreamingNetwork(within, Options(seed, (tileHeight, tileWidth)));
        var weights = randn(shape, dtype: ScalarType.Float64);
        var what = $"map, {drawn}: {network}";

        Holds(
            () => within.forward([image, mask]).Single() * weights,
            () => streaming.forward([image, mask]).Single() * weights,
            [image, .. network.parameters()],
            network,
            what);

        // Handed out by rectangles, each position comes once.
        network.eval();
        using var grad = no_grad();
        var expected = within.forward([image, mask]).Single();
        var sink = new MapSink(expected);
        streaming.Run([image, mask], [sink]);
        Assert.Equal(shape[2] * shape[3], sink.Positions);
        Assert.True((sink.Map - expected).abs().max().item<double>() <= 1e-12 * expected.abs().max().NoLessThan(1).item<double>(), what);
    }

    private static void CheckLoss((int Seed, int Layers, int Height, int Width, int TileHeight, int TileWidth, int Batch) drawn)
    {
        using var scope = NewDisposeScope();
        var (seed, layers, height, width, tileHeight, tileWidth, batch) = drawn;
        var random = new Random(seed);
        using var network = new RandomNetwork(seed, layers, 2, height, width, looksAtWholeMaps: seed % 4 == 0);
        using var image = randn(batch, 2, height, width, dtype: ScalarType.Float64).requires_grad_();
        var shape = network.forward(image).shape;
        var kind = seed / 4 % (shape[1] > 1 ? Losses.Length : 3);
        var loss = Losses[kind]();
        var target = kind < 3 ? randint(0, 2, shape) : randint(0, shape[1], [batch, 1, shape[2], shape[3]]);
        var mask = RandomMask.Draw(random, batch, shape[2], shape[3]);
        // What does not count is said by a mask, by the target itself, or by both.
        var isSaidByTarget = kind != 1 && random.Next(2) == 0;
        if (isSaidByTarget)
            target = target.FilledWhere(mask.logical_not(), kind < 3 ? 2 : -100);
        if (isSaidByTarget && random.Next(2) == 0)
            mask = null;
        var objective = new StreamingObjective(network, loss, new() { Tile = (tileHeight, tileWidth), Mode = Mode(seed) });

        Holds(
            () => loss.forward(network.forward(image), target, mask),
            () => objective.forward(image, target, mask),
            [image, .. network.parameters()],
            network,
            $"{loss.GetName()}, {drawn}: {network}");
    }

    private static StreamingOptions Options(int seed, (int Height, int Width) tile) => new()
    {
        Tile = tile,
        ChannelsLast = seed % 2 == 0,
        Mode = Mode(seed),
        Carry = seed % 7 == 0 ? CarryPlace.File : CarryPlace.Device,
    };

    private static StreamingMode Mode(int seed) => seed % 5 == 0 ? StreamingMode.Overlap : StreamingMode.ExactlyOnce;

    private static void Holds(Func<Tensor> whole, Func<Tensor> streamed, IReadOnlyList<Tensor> leaves, nn.Module network, string what)
    {
        var expected = Step(whole);
        MapFormats.Unwritten = double.NaN;
        try
        {
            ExactnessLaw.Holds(Step(streamed), expected, () => Step(whole), leaves, what);
        }
        finally
        {
            MapFormats.Unwritten = null;
        }

        StepResults Step(Func<Tensor> forward)
        {
            var value = forward();
            var results = StepResults.OfOutputs([value]);
            if (value.requires_grad)
                value.sum().backward();
            results.TakeGradient("image", leaves[0]);
            foreach (var (name, parameter) in network.named_parameters())
                results.TakeGradient(name, parameter);
            return results;
        }
    }

    private sealed class MapWithin(nn.Module<Tensor, Tensor> network, double elsewhere) : MultiInputBlock(nameof(MapWithin), inputs: 2)
    {
        /// <inheritdoc/>
        public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs) =>
            [inputs[0].Through(network).Within(inputs[1], elsewhere)];

        protected override void Dispose(bool disposing) => base.Dispose(false);
    }

    /// <summary>Puts a map together. With as many positions written as it has, and a number at each, each has come once.</summary>
    private sealed class MapSink(Tensor like) : IMapSink
    {
        public Tensor Map { get; } = empty_like(like).Filled(double.NaN);

        public long Positions { get; private set; }

        public void Begin(long batch, long channels, long height, long width) =>
            Assert.Equal(like.shape, (long[])[batch, channels, height, width]);

        public void Write(long top, long left, Tensor values)
        {
            Map.narrow(2, top, values.shape[2]).narrow(3, left, values.shape[3]).copy_(values);
            Positions += values.shape[2] * values.shape[3];
        }
    }
}
