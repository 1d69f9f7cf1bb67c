using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>A network along one axis, for an image of a given length: each node's integer functions and the length of its map.</summary>
internal sealed class AxisNetwork
{
    private readonly AxisMap?[] maps;
    private readonly long[] lengths;

    /// <exception cref="UnsupportedLayerException">A layer cannot be applied to the length it gets, or maps to be joined differ in length.</exception>
    public AxisNetwork(NetworkGraph graph, Axis axis, long imageLength)
    {
        Graph = graph;
        maps = new AxisMap?[graph.Nodes.Count];
        lengths = new long[graph.Nodes.Count];
        lengths[0] = imageLength;
        foreach (var node in graph.Nodes.Skip(1))
        {
            var inputs = node.Inputs.Select(i => lengths[i]).ToArray();
            try
            {
                if (inputs.Any(length => length != inputs[0]))
                    throw new GeometryException($"joins maps of different {Name(axis)}: {string.Join(" and ", inputs)}");
                var map = node.Layer!.Along(axis, inputs[0]);
                maps[node.Index] = map;
                lengths[node.Index] = map.OutputLength;
            }
            catch (GeometryException reason)
            {
                throw new UnsupportedLayerException(
                    node.Path, node.Layer!.Name, $"cannot be applied to an image of {Name(axis)} {imageLength}: {reason.Message}", reason);
            }
        }
    }

    public NetworkGraph Graph { get; }

    /// <summary>Length of a node's map.</summary>
    public long Length(int node) => lengths[node];

    /// <summary>A node's integer functions; the image has none.</summary>
    public AxisMap Map(int node) => maps[node]!;

    /// <summary>How far the image would have to go on, from its first pixel, for some maps to be complete without a border at its end.</summary>
    public long Reach(IEnumerable<int> nodes)
    {
        var reach = new long[lengths.Length];
        foreach (var node in nodes)
            reach[node] = lengths[node];
        for (var i = reach.Length - 1; i > 0; i--)
        {
            foreach (var input in reach[i] > 0 ? Graph.Nodes[i].Inputs : [])
                reach[input] = Math.Max(reach[input], Map(i).Required(reach[i]));
        }

        return reach[0];
    }

    private static string Name(Axis axis) => axis == Axis.Rows ? "height" : "width";
}
