using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Cli.Benchmarking;

/// <summary>
/// Where a network is cut into segments for checkpointing (Chen et al., arXiv 1604.06174), as people cut it by hand: a residual block
/// is one, and of a chain what goes before the first convolution on smaller maps. Only one map crosses a cut.
/// </summary>
internal static class CheckpointSegments
{
    /// <summary>The segments in order; each one's output is the next one's image.</summary>
    /// <param name="graph">A network with one source and one output.</param>
    /// <param name="height">Height of the image.</param>
    public static IReadOnlyList<NetworkGraph> Of(NetworkGraph graph, long height)
    {
        int[] cuts = [graph.Sources[0].Index, .. Cuts(graph, new AxisNetwork(graph, Axis.Rows, height)), graph.Layers[^1].Index];
        return [.. cuts.Zip(cuts.Skip(1), graph.Stretch)];
    }

    private static IEnumerable<int> Cuts(NetworkGraph graph, AxisNetwork rows)
    {
        var begin = graph.Sources[0].Index;
        var isBlock = false;
        foreach (var (map, _, inputs, _, _) in graph.Layers.SkipLast(1))
        {
            isBlock |= inputs.Length > 1;
            if (IsCrossed(graph, map))
                continue;
            // A layer behind a block's sum that only changes its values, such as an activation, is the block's.
            var next = graph.Nodes[map + 1].Layer!;
            var isSmaller = 3 * rows.Length(map) < 2 * rows.Length(begin);
            if (graph.Consumers[map].Length == 1 && (next.IsPointwise || !(isBlock || (isSmaller && next.Parameters.Any()))))
                continue;
            yield return map;
            (begin, isBlock) = (map, false);
        }
    }

    /// <summary>Whether another map than this one is needed from here on.</summary>
    private static bool IsCrossed(NetworkGraph graph, int map) =>
        graph.Nodes.Skip(map + 1).Any(node => node.Needs.Any(input => input < map));
}
