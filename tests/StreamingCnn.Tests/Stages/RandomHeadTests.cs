using CsCheck;
using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>
/// The law for whole classifiers: a random network that looks at whole maps, and a head behind it. Set STREAMINGCNN_CASES to run more
/// cases.
/// </summary>
public sealed class RandomHeadTests
{
    private static readonly Gen<Case> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 3], Gen.Int[1, 48], Gen.Int[1, 48], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 3],
        (seed, layers, channels, height, width, tileHeight, tileWidth, batch) =>
            new Case(seed, layers, channels, height, width, (tileHeight, tileWidth), batch));

    [Fact]
    public void A_classifier_equals_that_of_the_whole_image() =>
        AnyCase.Sample(c => Check(c, isRandom: false), iter: Cases.Or(30), threads: 1);

    [Fact]
    public void Gradients_given_row_by_row_equal_the_image_s() => AnyCase.Sample(CheckRows, iter: Cases.Or(15), threads: 1);

    /// <summary>A tile that covers the image draws the engine's own random numbers, too.</summary>
    [Fact]
    public void Random_layers_draw_the_same_numbers_in_every_stage() =>
        AnyCase.Sample(c => Check(c, isRandom: true), iter: Cases.Or(15), threads: 1);

    private static void Check(Case c, bool isRandom)
    {
        using var scope = NewDisposeScope();
        var network = c.Network();
        if (isRandom)
            network.TrainRandomLayers();
        using var head = new Head(network);
        var step = Step(c, head);

        StepResults Whole() => step.Run(isRandom ? Streamed((500, 500)) : x => [head.forward(x[0])]);

        var whole = Whole();
        ExactnessLaw.Holds(step.Run(Streamed(c.Tile)), whole, Whole, step.Leaves, network);

        Func<Tensor[], Tensor[]> Streamed((int, int) tile) => x =>
        {
            manual_seed(c.Seed);
            using var streaming = new StreamingModule(head, new() { Tile = tile, ChannelsLast = c.Seed % 2 == 0 });
            return [streaming.forward(x[0])];
        };
    }

    private static void CheckRows(Case drawn)
    {
        using var scope = NewDisposeScope();
        var c = drawn with { Batch = 1 };
        using var head = new Head(c.Network());
        var step = Step(c, head);
        var whole = step.Run(x => [head.forward(x[0])]);
        using var streaming = new StreamingModule(head, new() { Tile = c.Tile, ChannelsLast = c.Seed % 2 == 0 });
        var expectedTop = (long)c.Height;

        var rows = step.Run(ByRows);

        Assert.Equal(0, expectedTop);
        ExactnessLaw.Holds(rows, whole, () => step.Run(x => [head.forward(x[0])]), step.Leaves, head.Network);

        Tensor[] ByRows(Tensor[] sources)
        {
            var source = new MemorySource(sources[0].detach());
            sources[0].grad = zeros_like(sources[0]);
            return
            [
                streaming.forward(source, (top, band) =>
                {
                    Assert.Equal(expectedTop, top + band.shape[2]);
                    expectedTop = top;
                    sources[0].grad!.narrow(2, top, band.shape[2]).copy_(band);
                }),
            ];
        }
    }

    private static FusionStep Step(Case c, Head head)
    {
        using var generator = new Generator((ulong)c.Seed);
        return new(
            head,
            [randn([c.Batch, c.Channels, c.Height, c.Width], ScalarType.Float64, generator: generator).requires_grad_()],
            c.Seed)
        {
            AllHaveGradients = true,
        };
    }

    private sealed record Case(int Seed, int Layers, int Channels, int Height, int Width, (int, int) Tile, int Batch)
    {
        public RandomNetwork Network()
        {
            var network = new RandomNetwork(Seed, Layers, Channels, Height, Width, looksAtWholeMaps: true);
            network.TrainNorms();
            return network;
        }
    }

    /// <summary>Means of the last map and of one before it, and what a classifier makes of them.</summary>
    private sealed class Head : StreamingHead
    {
        private readonly Parameter weight = Parameter(tensor(new double[] { 0.3, -0.8, 1.1 }).DetachFromDisposeScope());

        public Head(RandomNetwork network)
            : base(nameof(Head))
        {
            Network = network;
            register_module("network", network);
            register_parameter("weight", weight);
        }

        public RandomNetwork Network { get; }

        public override GlobalTensor Trace(FeatureMap input)
        {
            var maps = Network.TraceAll(input);
            return GlobalTensor.Combine(
                parts => parts[0].Plus(parts[1]) * weight,
                [Mean(maps[^1]), Mean(maps[maps.Count / 2])],
                weight);

            // The mean of a map that a norm gives is nothing but rounding.
            static GlobalTensor Mean(FeatureMap map) =>
                map.Through(Sigmoid()).Reduce(new MomentsReduction())[0].Apply(mean => mean.mean([1], keepdim: true));
        }
    }
}
