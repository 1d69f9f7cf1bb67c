using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;

namespace StreamingCnn.Planning.Stages;

/// <summary>
/// The stages of a network for sources of given sizes: their layers as steps run them, and the sizes of the maps between them.
/// </summary>
internal sealed class SizedStages
{
    private readonly (long Height, long Width)[] sizes;
    private readonly int[] lastReaders;
    private readonly Func<NetworkGraph, NetworkGraph> streamed;

    /// <param name="network">The network.</param>
    /// <param name="sources">Size of each of its sources.</param>
    /// <param name="streamed">A stage's graph as steps run it.</param>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to sources of these sizes.</exception>
    public SizedStages(
        StagedNetwork network, IReadOnlyList<(long Height, long Width)> sources, Func<NetworkGraph, NetworkGraph> streamed)
    {
        (Network, Sources, this.streamed) = (network, sources, streamed);
        var maps = network.Network.Maps.Count;
        (sizes, lastReaders) = (new (long Height, long Width)[maps], new int[maps]);
        for (var source = 0; source < sources.Count; source++)
            sizes[source] = sources[source];
        Array.Fill(lastReaders, -1);
        var stages = new List<Stage>();
        foreach (var written in network.Stages)
        {
            var stage = written.Graph is null ? written : written with { Graph = streamed(written.Graph) };
            stages.Add(stage);
            if (stage.Graph is null)
                continue;
            foreach (var source in stage.Sources)
                lastReaders[source] = stage.Index;
            var (rows, columns) = AxisNetwork.Of(stage.Graph, SourcesOf(stage));
            foreach (var (output, node) in stage.Outputs.Zip(stage.Graph.Outputs))
            {
                var (height, width) = (rows.Length(node), columns.Length(node));
                if (output.Map >= 0)
                    sizes[output.Map] = (height, width);
                foreach (var reduction in output.Reductions)
                    Check(network.Network.Reductions[reduction], height, width);
            }
        }

        Stages = stages;
        Last = stages.FindLastIndex(stage => stage.Graph is not null);
    }

    /// <summary>The network.</summary>
    public StagedNetwork Network { get; }

    /// <summary>The stages.</summary>
    public IReadOnlyList<Stage> Stages { get; }

    /// <summary>The last stage that has maps.</summary>
    public int Last { get; }

    /// <summary>Size of each of the network's sources.</summary>
    public IReadOnlyList<(long Height, long Width)> Sources { get; }

    /// <summary>The same network with other maps that wait; this where they are the same.</summary>
    /// <param name="waiting">Maps that may wait; null for those that later stages read.</param>
    public SizedStages With(IReadOnlySet<int>? waiting) => waiting == Network.Waiting
        ? this
        : new(new StagedNetwork(Network.Network, Network.Wanted, waiting), Sources, streamed);

    /// <summary>Size of a map of the network, where a stage makes or reads it.</summary>
    public (long Height, long Width) Size(int map) => sizes[map];

    /// <summary>Size of each of a stage's sources.</summary>
    public (long Height, long Width)[] SourcesOf(Stage stage) => [.. stage.Sources.Select(map => sizes[map])];

    /// <summary>Of which of a stage's sources the gradient is wanted.</summary>
    public bool[] WantedOf(Stage stage) => [.. stage.Sources.Select(Network.Differentiable.NeedsMap)];

    /// <summary>The stage behind whose forward pass nobody reads a map any more; -1 where none does.</summary>
    public int LastReader(int map) => lastReaders[map];

    /// <summary>Values of a map.</summary>
    public long Values(int map) => sizes[map].Height * sizes[map].Width * Network.Network.Maps[map].Channels;

    /// <summary>The maps that wait.</summary>
    public IEnumerable<int> Boundaries => Network.Network.Maps.Where(map => Network.IsBoundary(map.Index)).Select(map => map.Index);

    private void Check(ReductionNode reduction, long height, long width)
    {
        try
        {
            reduction.CheckSize(height, width);
        }
        catch (ArgumentException reason)
        {
            throw SizeRefusal.Of(reduction.Path, reduction.Name, Sources, reason);
        }
    }
}
