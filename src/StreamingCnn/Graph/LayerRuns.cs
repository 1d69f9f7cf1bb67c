using StreamingCnn.Graph.Stages;

namespace StreamingCnn.Graph;

/// <summary>One run's work with all layers of a network.</summary>
/// <param name="graph">The network.</param>
/// <param name="quantities">The run's small tensors and reductions; null where it has none.</param>
internal sealed class LayerRuns(NetworkGraph graph, IRunQuantities? quantities = null) : IDisposable
{
    private readonly LayerRun?[] runs = [.. graph.Nodes.Select(node => node.Layer?.Start(quantities))];

    /// <summary>The run of a node's layer.</summary>
    public LayerRun this[int node] => runs[node]!;

    /// <inheritdoc cref="LayerRun.Finish"/>
    public void Finish(IGradientSink parameters)
    {
        foreach (var run in runs)
            run?.Finish(parameters);
    }

    /// <summary>Frees what was made for the run.</summary>
    public void Dispose()
    {
        foreach (var run in runs)
            run?.Dispose();
    }
}
