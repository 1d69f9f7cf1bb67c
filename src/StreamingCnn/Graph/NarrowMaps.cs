using StreamingCnn.Graph.Layers;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>A network whose maps are of a narrower type than its parameters.</summary>
internal static class NarrowMaps
{
    /// <summary>
    /// The network with bfloat16 maps. Layers that read a source from outside, which has more significant bits, and those that are not
    /// known to be right in bfloat16 compute in float32.
    /// </summary>
    /// <param name="graph">The network.</param>
    /// <exception cref="UnsupportedLayerException">A parameter is not float32.</exception>
    public static NetworkGraph Of(NetworkGraph graph)
    {
        foreach (var node in graph.Nodes)
        {
            if (node.Layer?.Parameters.FirstOrDefault(parameter => parameter.dtype != ScalarType.Float32) is { } other)
                throw new UnsupportedLayerException(
                    node.Path, node.Layer.Name, $"has parameters of type {other.dtype}, but to compute in bfloat16 they must be float32");
        }

        return new NetworkGraph([.. graph.Nodes.Select(Narrowed)], graph.Outputs);

        GraphNode Narrowed(GraphNode node) =>
            node.Layer is null || IsNarrow(graph, node) ? node : node with { Layer = new Float32Layer(node.Layer, ScalarType.BFloat16) };
    }

    private static bool IsNarrow(NetworkGraph graph, GraphNode node) =>
        !node.Inputs.Any(input => graph.Nodes[input] is { IsSource: true, IsStored: false }) && node.Layer!.IsRightInBFloat16;
}
