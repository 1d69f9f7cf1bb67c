using CsCheck;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// The law of the engine for networks with several sources and sinks: whatever is drawn of sizes, tiles, modes, formats, late
/// maps, kept layers and places of the carry, outputs and all gradients are those of the whole sources. Set
/// STREAMINGCNN_CASES to run more cases.
/// </summary>
public sealed class RandomFusionTests : IDisposable
{
    private static readonly Gen<Setting> AnySetting = Gen.Select(
        Gen.Int[0, 5], Gen.Bool, Gen.Int[0, 2], Gen.Int[2, 4], Gen.Int[1, 4], Gen.Long[0, 120_000],
        (mode, channelsLast, carry, stride, period, budget) => new Setting(
            mode == 0 ? StreamingMode.Overlap : StreamingMode.ExactlyOnce, channelsLast, (CarryPlace)carry, stride, period, budget));

    private static readonly Gen<Case> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 14], Gen.Int[1, 4], Gen.Int[1, 48], Gen.Int[1, 48], Gen.Int[1, 32], Gen.Int[1, 32],
        Gen.Select(Gen.Int[1, 2], AnySetting),
        (seed, layers, sources, height, width, tileHeight, tileWidth, rest) =>
            new Case(seed, layers, sources, height, width, (tileHeight, tileWidth), rest.Item1, rest.Item2));

    private readonly string folder = Path.Combine(Path.GetTempPath(), $"streamingcnn-carry-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Several_sources_and_outputs_equal_the_whole_ones() => AnyCase.Sample(CheckStep, iter: Cases.Or(100), threads: 1);

    [Fact]
    public void Outputs_that_go_into_sinks_come_once_and_equal_the_whole_ones() =>
        AnyCase.Sample(CheckSinks, iter: Cases.Or(40), threads: 1);

    private void CheckStep(Case c)
    {
        using var scope = NewDisposeScope();
        using var network = c.Network();
        var step = new FusionStep(network, c.Sources(), c.Seed);
        using var streaming = new StreamingNetwork(network, c.Options(folder));

        var whole = step.Run(network.forward);
        var streamed = step.Run(streaming.forward);

        ExactnessLaw.Holds(streamed, whole, () => step.Run(network.forward), step.Leaves, network);
        Assert.True(!Directory.Exists(folder) || Directory.GetFiles(folder).Length == 0, "The carry's file is still there.");
    }

    private void CheckSinks(Case c)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var network = c.Network();
        var sources = c.Sources();
        using var streaming = new StreamingNetwork(network, c.Options(folder));
        StepResults Whole() => StepResults.OfOutputs(network.forward(sources));
        var whole = Whole();
        CollectingSink[] sinks = [.. Enumerable.Range(0, whole.Count).Select(_ => new CollectingSink())];

        streaming.Run(sources, sinks);

        var streamed = StepResults.OfOutputs([.. sinks.Select(sink => sink.Map)]);
        ExactnessLaw.Holds(streamed, whole, Whole, [.. sources, .. network.parameters()], network);
        foreach (var sink in sinks)
            sink.Dispose();
    }

    /// <summary>What a test draws; all else follows from it.</summary>
    private sealed record Case(int Seed, int Layers, int Count, int Height, int Width, (int, int) Tile, int Batch, Setting Setting)
    {
        public RandomFusion Network() => new(new RandomNetwork(Seed, Layers, Shapes()), Seed, Count);

        public Tensor[] Sources()
        {
            using var generator = new Generator((ulong)Seed);
            var random = new Random(Seed + 2);
            // Gradients of some are not asked for, but always of the first one.
            return [.. Shapes().Select((shape, source) => Source(shape).requires_grad_(source == 0 || random.Next(4) > 0))];

            Tensor Source((long Channels, long Height, long Width) shape) =>
                randn([Batch, shape.Channels, shape.Height, shape.Width], ScalarType.Float64, generator: generator);
        }

        public StreamingOptions Options(string folder) => new()
        {
            Tile = Tile,
            Mode = Setting.Mode,
            ChannelsLast = Setting.ChannelsLast,
            Carry = Setting.Carry,
            HostIsElsewhere = true,
            CarryFolder = Setting.Carry == CarryPlace.File ? folder : null,
            LateMaps = Setting.Period == 1 || Setting.Mode == StreamingMode.Overlap ? null
                : [(Setting.Stride, Setting.Period), (Setting.Stride + 1, Setting.Period + (Seed % 4))],
            MemoryBudget = Setting.Budget > 0 ? Setting.Budget : null,
        };

        /// <summary>Images of one size, masks and features at a half and a quarter of it, and some of any size.</summary>
        private List<(long Channels, long Height, long Width)> Shapes()
        {
            var random = new Random(Seed + 1);
            var shapes = new List<(long, long, long)>();
            for (var source = 0; source < Count; source++)
            {
                var channels = 1 + random.Next(3);
                var kind = source == 0 ? 0 : random.Next(4);
                var apart = (1 + random.Next(48), 1 + random.Next(48));
                var (height, width) = kind < 3 ? (Part(Height, kind), Part(Width, kind)) : apart;
                shapes.Add((channels, height, width));
            }

            return shapes;

            static int Part(int length, int halvings) => Math.Max(1, (length + (1 << halvings) - 1) >> halvings);
        }
    }

    private sealed record Setting(StreamingMode Mode, bool ChannelsLast, CarryPlace Carry, int Stride, int Period, long Budget);
}
