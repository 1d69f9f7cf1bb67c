using CsCheck;
using StreamingCnn.Distributed.Threads;
using StreamingCnn.Tests.Exactness;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Split;

/// <summary>
/// The law of images that several ranks share: whatever is drawn of networks, sizes, tiles, late maps, kept layers, places of the carry and
/// numbers of ranks, each of them has the outputs, gradients and running statistics of the whole sources; and the same bits each time. Set
/// STREAMINGCNN_CASES to run more cases.
/// </summary>
/// <param name="looksAtWholeMaps">Whether the networks have global quantities.</param>
/// <param name="steps">How many steps are tried by default.</param>
public abstract class SplitLaw(bool looksAtWholeMaps, int steps) : IDisposable
{
    private readonly Gen<(FusionCase Case, int Ranks)> anyCase =
        Gen.Select(FusionCase.Any(looksAtWholeMaps), Gen.Int[1, 4], (c, ranks) =>
            (c with { Setting = c.Setting with { Mode = StreamingMode.ExactlyOnce } }, ranks));

    private readonly string folder = Path.Combine(Path.GetTempPath(), $"streamingcnn-split-{Guid.NewGuid():N}");

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Ranks_that_share_an_image_have_what_one_has() =>
        anyCase.Sample(drawn => Check(drawn.Case, drawn.Ranks), iter: Cases.Or(steps), threads: 1);

    private void Check(FusionCase c, int ranks)
    {
        using var scope = NewDisposeScope();
        // One after the other: they draw from one generator.
        RandomFusion[] networks = [.. Enumerable.Range(0, ranks).Select(_ => c.Network())];
        FusionStep[] all = [.. networks.Select(network => new FusionStep(network, c.Sources(), c.Seed))];
        var whole = all.Zip(networks, (step, network) => step.Run(network.forward)).ToArray()[0];

        var first = Shared();
        var second = Shared();

        for (var rank = 0; rank < ranks; rank++)
        {
            ExactnessLaw.Holds(
                first[rank],
                whole,
                () => all[0].Run(networks[0].forward),
                all[0].Leaves,
                $"rank {rank} of {ranks}, {c}, {networks[0]}");
            Assert.All(
                second[rank].ErrorsAgainst(first[rank]).Concat(first[rank].ErrorsAgainst(first[0])),
                // What is no number has no distance.
                value => Assert.True(value.Error is 0 or double.PositiveInfinity, $"{value.Name} has other bits: {value.Error}; {c}"));
        }

        Assert.True(!Directory.Exists(folder) || Directory.GetFiles(folder).Length == 0, "The carry's file is still there.");

        StepResults[] Shared()
        {
            var results = new StepResults[ranks];
            ThreadRanks.Run(ranks, communicator =>
            {
                var rank = communicator.Rank;
                var streaming = new StreamingNetwork(networks[rank], c.Options(folder) with { SplitOver = communicator });
                results[rank] = all[rank].Run(streaming.forward);
            });
            return results;
        }
    }
}

/// <summary>The law for networks of local layers.</summary>
public sealed class SplitLocalLayersTests() : SplitLaw(looksAtWholeMaps: false, steps: 60);

/// <summary>The law for networks that look at whole maps.</summary>
public sealed class SplitQuantitiesTests() : SplitLaw(looksAtWholeMaps: true, steps: 60);
