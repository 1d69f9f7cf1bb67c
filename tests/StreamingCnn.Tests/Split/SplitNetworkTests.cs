using StreamingCnn.Distributed;
using StreamingCnn.Distributed.Threads;
using StreamingCnn.Geometry;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Split;

/// <summary>Networks that people have, on ranks that share the image: below 1e-12 they are what they are on the whole image.</summary>
public sealed class SplitNetworkTests
{
    private const double Tolerance = 1e-12;

    [Theory]
    [InlineData(2, 16)]
    [InlineData(3, 24)]
    [InlineData(4, 40)]
    [InlineData(4, 500)]
    public void StemOfResNet34(int ranks, int tile)
    {
        manual_seed(34);
        var (name, error) = SplitStep.Worst(
            ranks,
            () =>
            {
                var stem = Sequential(Conv2d(3, 8, 7, 2, 3, bias: false), BatchNorm2d(8), ReLU(), MaxPool2d(3, 2, 1)).@double();
                stem.eval();
                return stem;
            },
            rand(1, 3, 131, 157, ScalarType.Float64),
            new() { Tile = (tile, tile) });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Theory]
    [InlineData(NormKind.Batch, true, 2)]
    [InlineData(NormKind.Batch, true, 4)]
    [InlineData(NormKind.Batch, false, 3)]
    [InlineData(NormKind.Instance, true, 3)]
    public void ResNet34WithGatedAttentionAndAClassifier(NormKind norm, bool isTraining, int ranks)
    {
        manual_seed(33);
        var (name, error) = SplitStep.Worst(
            ranks,
            () =>
            {
                var network = Sequential(NarrowResNet.Of34Layers(norm), new GatedAttentionPooling(64, 8), Linear(64, 3)).@double();
                network.train(isTraining);
                return network;
            },
            rand(2, 3, 99, 131, ScalarType.Float64),
            new() { Tile = (40, 32) },
            output => functional.cross_entropy(output, tensor(new long[] { 1, 2 })));
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Fact]
    public void SqueezeAndExcitation()
    {
        manual_seed(7);
        var (name, error) = SplitStep.Worst(
            3,
            () => Sequential(
                Conv2d(3, 6, 3, 2, 1, bias: false), BatchNorm2d(6), SiLU(), new SqueezeExcite(6, 2), Conv2d(6, 4, 3, padding: 1)).@double(),
            rand(2, 3, 61, 90, ScalarType.Float64),
            new() { Tile = (24, 20) });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Theory]
    [InlineData(CarryPlace.Device)]
    [InlineData(CarryPlace.File)]
    public void MapsThatWaitAreHeldInStripes(CarryPlace place)
    {
        manual_seed(8);
        var (name, error) = SplitStep.Worst(
            3,
            () => Sequential(
                Conv2d(3, 6, 3, 2, 1, bias: false), BatchNorm2d(6), ReLU(),
                Conv2d(6, 6, 5, padding: 2, bias: false), BatchNorm2d(6), ReLU(),
                Conv2d(6, 4, 3, padding: 1, bias: false), BatchNorm2d(4)).@double(),
            rand(2, 3, 61, 150, ScalarType.Float64),
            new() { Tile = (24, 20), BoundaryMaps = place });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Fact]
    public void ALossOfTheMap()
    {
        manual_seed(9);
        const int Ranks = 3;
        Func<Module<Tensor, Tensor>> make = () => Sequential(
            Conv2d(3, 6, 3, 2, 1, bias: false), BatchNorm2d(6), ReLU(),
            Upsample(scale_factor: [2, 2]), Conv2d(6, 3, 3, padding: 1)).@double();
        Module<Tensor, Tensor>[] networks = [.. Enumerable.Range(0, Ranks + 1).Select(_ => make())];
        foreach (var network in networks[1..])
            network.load_state_dict(networks[0].state_dict());
        var image = rand(2, 3, 48, 80, ScalarType.Float64);
        var target = randint(0, 3, [2, 48, 80]);
        var loss = new DiceCrossEntropyMapLoss();
        var expected = SplitStep.Step(
            networks[0], x => loss.forward(networks[0].forward(x), target.unsqueeze(1), null), image, value => value);

        var actual = new StepResults[Ranks];
        ThreadRanks.Run(Ranks, ranks =>
        {
            var network = networks[1 + ranks.Rank];
            var objective = new StreamingObjective(
                network, new DiceCrossEntropyMapLoss(), new() { Tile = (20, 12), SplitOver = ranks });
            actual[ranks.Rank] = SplitStep.Step(network, x => objective.forward(x, target), image, value => value);
        });

        Assert.All(actual, results => Assert.All(
            results.ErrorsAgainst(expected), value => Assert.True(value.Error < Tolerance, $"{value.Name}: {value.Error}")));
    }

    /// <summary>More ranks than columns of tiles: some have nothing to do, and all the same results.</summary>
    [Fact]
    public void RanksWithoutColumns()
    {
        manual_seed(10);
        var (name, error) = SplitStep.Worst(
            4,
            () => Sequential(Conv2d(3, 4, 3, padding: 1, bias: false), BatchNorm2d(4), ReLU(), Conv2d(4, 2, 3)).@double(),
            rand(1, 3, 40, 30, ScalarType.Float64),
            new() { Tile = (16, 16) });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Fact]
    public void SameBitsEachTimeAndOnEveryRank()
    {
        manual_seed(11);
        Func<Module<Tensor, Tensor>> make = () =>
            Sequential(NarrowResNet.Of34Layers(NormKind.Batch), AdaptiveAvgPool2d(1), Flatten(), Linear(64, 2)).@double();
        var state = make();
        var image = rand(1, 3, 99, 131, ScalarType.Float64);
        var options = new StreamingOptions { Tile = (40, 32) };

        var first = SplitStep.All(3, make, state, image, options, output => (output * output).sum());
        var second = SplitStep.All(3, make, state, image, options, output => (output * output).sum());

        Assert.All(
            second.Concat(first[1..]).SelectMany(results => results.ErrorsAgainst(first[0])),
            value => Assert.True(value.Error == 0, $"{value.Name}: {value.Error}"));
    }

    /// <summary>Each rank reads a stripe of the image, and of the carry and the maps that wait each holds its part.</summary>
    [Fact]
    public void EachRankReadsItsOwnWindows()
    {
        const int Ranks = 4, Width = 512;
        var read = new Interval[Ranks];
        var image = rand(1, 3, 64, Width);
        ThreadRanks.Run(Ranks, ranks =>
        {
            var network = Sequential(Conv2d(3, 4, 5, 2, 2), ReLU(), Conv2d(4, 4, 3, padding: 1));
            var source = new WatchedSource(image);
            new StreamingModule(network, new() { Tile = (32, 32), SplitOver = ranks }).forward(source).sum().backward();
            read[ranks.Rank] = source.Columns;
        });

        for (var rank = 0; rank < Ranks; rank++)
        {
            Assert.InRange(read[rank].Length, Width / Ranks / 2, Width / Ranks * 3 / 2);
            Assert.True(rank == 0 || read[rank].Start <= read[rank - 1].End);
        }

        Assert.Equal((0, Width), (read[0].Start, read[^1].End));
    }

    [Fact]
    public void Sinks_get_the_stripe_alone()
    {
        manual_seed(12);
        const int Ranks = 3;
        var network = Sequential(Conv2d(3, 4, 3, padding: 1), ReLU(), MaxPool2d(2)).@double();
        var image = rand(2, 3, 40, 100, ScalarType.Float64);
        var sinks = new StripeSink[Ranks];
        ThreadRanks.Run(Ranks, ranks =>
        {
            var sink = sinks[ranks.Rank] = new StripeSink();
            new StreamingModule(network, new() { Tile = (16, 16), SplitOver = ranks }).Run(image, sink);
        });

        using var grad = no_grad();
        var expected = network.forward(image);
        Assert.True(sinks.Select(sink => sink.Counts).Aggregate((a, b) => a + b).eq(1).all().item<bool>());
        Assert.True(Compare.RelativeError(sinks.Select(sink => sink.Map).Aggregate((a, b) => a + b), expected) < Tolerance);
        Assert.True(sinks.Max(sink => sink.Counts.sum().item<double>()) < 0.6 * sinks[0].Counts.numel());
    }

    [Fact]
    public void A_failure_of_one_rank_is_that_of_all()
    {
        var network = Sequential(Conv2d(3, 4, 5, 2, 2), ReLU(), Conv2d(4, 4, 3, padding: 1));
        var failure = Assert.Throws<IOException>(() => ThreadRanks.Run(3, ranks =>
        {
            var source = new Surface.MemorySource(rand(1, 3, 64, 200)) { ReadsUntilFailure = ranks.Rank == 1 ? 2 : int.MaxValue };
            new StreamingModule(network, new() { Tile = (32, 32), SplitOver = ranks }).forward(source);
        }));
        Assert.Contains("unplugged", failure.Message);
    }

    [Fact]
    public void Ranks_that_would_run_other_tiles_are_told_so()
    {
        var network = Conv2d(3, 4, 3);
        var failure = Assert.ThrowsAny<Exception>(() => ThreadRanks.Run(2, ranks =>
            new StreamingModule(network, new() { Tile = (32, 32 + ranks.Rank), SplitOver = ranks }).forward(rand(1, 3, 64, 200))));
        Assert.Contains("Rank 1 is about to run other tiles than rank 0", failure.Message);
    }

    [Fact]
    public void What_cannot_be_split_is_refused() => ThreadRanks.Run(2, ranks =>
    {
        var overlapping = new StreamingOptions { Mode = StreamingMode.Overlap, Tile = (16, 16), SplitOver = ranks };
        Assert.Contains("SplitOver", Assert.Throws<ArgumentException>(() => new StreamingModule(Conv2d(3, 4, 3), overlapping)).Message);
    });

    [Fact]
    public void One_process_alone_is_no_other_run()
    {
        manual_seed(13);
        var network = Conv2d(3, 4, 3);
        var image = rand(1, 3, 64, 64);
        using var alone = new SingleProcess();
        var expected = new StreamingModule(network, new() { Tile = (32, 32) }).forward(image);
        var actual = new StreamingModule(network, new() { Tile = (32, 32), SplitOver = alone }).forward(image);
        Assert.True(Compare.AreEqual(actual, expected));
    }

    private sealed class WatchedSource(Tensor image) : IImageSource
    {
        public Interval Columns { get; private set; }

        public int Channels => (int)image.shape[1];

        public long Height => image.shape[2];

        public long Width => image.shape[3];

        public Tensor Read(long top, long left, long height, long width)
        {
            Columns = Columns.Hull(new(left, left + width));
            return image.narrow(2, top, height).narrow(3, left, width).clone();
        }

        public void Dispose()
        {
        }
    }

    private sealed class StripeSink : IMapSink
    {
        public Tensor Map { get; private set; } = null!;

        public Tensor Counts { get; private set; } = null!;

        public void Begin(long batch, long channels, long height, long width)
        {
            Map = zeros([batch, channels, height, width], ScalarType.Float64).DetachFromDisposeScope();
            Counts = zeros_like(Map).DetachFromDisposeScope();
        }

        public void Write(long top, long left, Tensor values)
        {
            Map.narrow(2, top, values.shape[2]).narrow(3, left, values.shape[3]).add_(values);
            using Scalar one = 1;
            Counts.narrow(2, top, values.shape[2]).narrow(3, left, values.shape[3]).add_(one);
        }
    }
}
