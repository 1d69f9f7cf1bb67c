namespace StreamingCnn.Graph;

/// <summary>Which maps need a gradient: those behind something trainable, or behind a source whose gradient is wanted.</summary>
internal sealed class DifferentiablePart
{
    private readonly bool[] needed;

    /// <param name="graph">The network.</param>
    /// <param name="wanted">For each source whether its gradient is wanted.</param>
    public DifferentiablePart(NetworkGraph graph, IReadOnlyList<bool> wanted)
    {
        needed = new bool[graph.Nodes.Count];
        foreach (var source in graph.Sources)
            needed[source.Index] = wanted[source.Index];
        foreach (var node in graph.Layers)
            needed[node.Index] = node.Layer!.Learns || node.Inputs.Any(input => needed[input]);
    }

    /// <summary>Whether the map's gradient is needed.</summary>
    public bool Needs(int node) => needed[node];
}
