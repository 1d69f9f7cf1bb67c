using StreamingCnn.Graph.Layers;

namespace StreamingCnn.Graph;

/// <summary>
/// A network whose norms with running statistics are folded into the convolutions before them: fewer maps to compute and to keep, the same
/// function to rounding.
/// </summary>
internal static class NormFolding
{
    /// <summary>Folds every norm that is all that reads its convolution.</summary>
    /// <param name="graph">The network, checked.</param>
    public static NetworkGraph Of(NetworkGraph graph) =>
        new(
            [
                .. graph.Nodes.Select(
                    node => Convolution(graph, node) is var (convolution, layer)
                        ? convolution with { Index = node.Index, Layer = layer }
                        : node)
            ], graph.Outputs);

    /// <summary>The convolution before a norm, and the layer that both become; null where they must stay two.</summary>
    private static (GraphNode Node, FoldedConvolutionLayer Layer)? Convolution(NetworkGraph graph, GraphNode node)
    {
        if (node.Layer is not BatchNormLayer norm)
            return null;
        var below = graph.Nodes[node.Inputs[0]];
        return graph.Consumers[below.Index].Length == 1
            && !graph.Outputs.Contains(below.Index)
            && (below.Layer as ConvolutionLayer)?.With(norm) is { } layer
            ? (below, layer)
            : null;
    }
}
