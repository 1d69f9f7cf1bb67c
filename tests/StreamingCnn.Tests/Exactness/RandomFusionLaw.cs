using CsCheck;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// The law of the engine for networks with several sources and sinks: whatever is drawn of sizes, tiles, modes, formats, late
/// maps, kept layers and places of the carry, outputs, all gradients and what norms keep are those of the whole sources. Set
/// STREAMINGCNN_CASES to run more cases.
/// </summary>
/// <param name="looksAtWholeMaps">Whether the networks have global quantities.</param>
/// <param name="steps">How many steps are tried by default.</param>
/// <param name="runs">How many runs into sinks.</param>
public abstract class RandomFusionLaw(bool looksAtWholeMaps, int steps, int runs) : IDisposable
{
    private readonly Gen<FusionCase> anyCase = FusionCase.Any(looksAtWholeMaps);
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"streamingcnn-carry-{Guid.NewGuid():N}");

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Several_sources_and_outputs_equal_the_whole_ones() => anyCase.Sample(CheckStep, iter: Cases.Or(steps), threads: 1);

    [Fact]
    public void Outputs_that_go_into_sinks_come_once_and_equal_the_whole_ones() =>
        anyCase.Sample(CheckSinks, iter: Cases.Or(runs), threads: 1);

    private protected void CheckStep(FusionCase c)
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

    private void CheckSinks(FusionCase c)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var network = c.Network();
        var sources = c.Sources();
        var kept = new KeptBuffers(network);
        using var streaming = new StreamingNetwork(network, c.Options(folder));
        var outputs = 0;
        var whole = Whole();
        CollectingSink[] sinks = [.. Enumerable.Range(0, outputs).Select(_ => new CollectingSink())];

        kept.Restore();
        streaming.Run(sources, sinks);

        var streamed = StepResults.OfOutputs([.. sinks.Select(sink => sink.Map)]);
        kept.Take(streamed);
        ExactnessLaw.Holds(streamed, whole, Whole, [.. sources, .. network.parameters()], network);
        foreach (var sink in sinks)
            sink.Dispose();

        StepResults Whole()
        {
            kept.Restore();
            var results = StepResults.OfOutputs(network.forward(sources));
            outputs = results.Count;
            kept.Take(results);
            return results;
        }
    }
}
