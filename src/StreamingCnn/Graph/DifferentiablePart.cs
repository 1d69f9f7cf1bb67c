namespace StreamingCnn.Graph;

/// <summary>Which maps need a gradient: those behind something trainable, or behind the image when its gradient is wanted.</summary>
internal sealed class DifferentiablePart
{
    private readonly bool[] needed;

    public DifferentiablePart(NetworkGraph graph, bool imageWanted)
    {
        needed = new bool[graph.Nodes.Count];
        needed[0] = imageWanted;
        foreach (var node in graph.Nodes.Skip(1))
        {
            needed[node.Index] = node.Inputs.Any(input => needed[input])
                || node.Layer!.Parameters.Any(parameter => parameter.requires_grad);
        }
    }

    /// <summary>Whether the map's gradient is needed.</summary>
    public bool Needs(int node) => needed[node];
}
