using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// Which maps a tile computes as rectangles of its own, and which are views: pointwise layers that are applied to the window of the map
/// below them, strips included.
/// </summary>
/// <remarks>
/// The map that is carried from tile to tile is thus the one before the activations. A tile then keeps one tensor for each such chain,
/// where carrying the activated map would keep two: the rectangle, and the window that it was copied into.
/// </remarks>
internal sealed class MapRoles
{
    private readonly int[] roots;

    public MapRoles(NetworkGraph graph)
    {
        roots = new int[graph.Nodes.Count];
        var outputs = graph.Outputs.ToHashSet();
        foreach (var node in graph.Nodes)
        {
            // A source is read anew by every consumer unless it is stored, and outputs must be rectangles that can be written where they
            // belong.
            var isView = node.Layer is { IsPointwise: true } && !outputs.Contains(node.Index)
                && graph.Nodes[roots[node.Inputs[0]]] is not { IsSource: true, IsStored: false };
            roots[node.Index] = isView ? roots[node.Inputs[0]] : node.Index;
        }
    }

    /// <summary>Number of nodes.</summary>
    public int Count => roots.Length;

    /// <summary>Whether the node is applied to its root's window.</summary>
    public bool IsView(int node) => roots[node] != node;

    /// <summary>The computed map below a view; of a computed map itself.</summary>
    public int Root(int node) => roots[node];
}
