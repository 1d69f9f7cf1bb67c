using CsCheck;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>A random network of several sources and how it is streamed; all follows from what is drawn.</summary>
internal sealed record FusionCase(
    int Seed, int Layers, int Count, int Height, int Width, (int Height, int Width) Tile, int Batch, FusionSetting Setting)
{
    /// <summary>Whether the network has global quantities, and some parameters do not learn.</summary>
    public bool LooksAtWholeMaps { get; init; }

    /// <summary>Draws cases.</summary>
    /// <param name="looksAtWholeMaps">Whether the networks have global quantities.</param>
    public static Gen<FusionCase> Any(bool looksAtWholeMaps) => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 14], Gen.Int[1, 4], Gen.Int[1, 48], Gen.Int[1, 48], Gen.Int[1, 32], Gen.Int[1, 32],
        Gen.Select(Gen.Int[1, looksAtWholeMaps ? 3 : 2], FusionSetting.Any),
        (seed, layers, sources, height, width, tileHeight, tileWidth, rest) =>
            new FusionCase(seed, layers, sources, height, width, (tileHeight, tileWidth), rest.Item1, rest.Item2)
            {
                LooksAtWholeMaps = looksAtWholeMaps,
            });

    public RandomFusion Network()
    {
        var network = new RandomNetwork(Seed, Layers, Shapes(), LooksAtWholeMaps);
        var fusion = new RandomFusion(network, Seed, Count);
        if (!LooksAtWholeMaps)
            return fusion;
        network.TrainNorms();
        var random = new Random(Seed + 4);
        foreach (var parameter in random.Next(3) == 0 ? fusion.parameters() : [])
            parameter.requires_grad = random.Next(2) == 0;
        return fusion;
    }

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
        MayWait = Seed % 4 == 0 ? null : MayWait,
    };

    // Of the maps between stages none, half or most may wait; the others are computed again.
    private bool MayWait(int map) => new Random(Seed + (7919 * map)).Next(Seed % 4) > 0;

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

/// <summary>How a random network is streamed, besides its tile.</summary>
internal sealed record FusionSetting(StreamingMode Mode, bool ChannelsLast, CarryPlace Carry, int Stride, int Period, long Budget)
{
    /// <summary>Draws settings.</summary>
    public static readonly Gen<FusionSetting> Any = Gen.Select(
        Gen.Int[0, 5], Gen.Bool, Gen.Int[0, 2], Gen.Int[2, 4], Gen.Int[1, 4], Gen.Long[0, 120_000],
        (mode, channelsLast, carry, stride, period, budget) => new FusionSetting(
            mode == 0 ? StreamingMode.Overlap : StreamingMode.ExactlyOnce, channelsLast, (CarryPlace)carry, stride, period, budget));
}
