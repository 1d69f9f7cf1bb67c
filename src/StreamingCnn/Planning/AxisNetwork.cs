using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>A network along one axis, for sources of given lengths: each node's integer functions and the length of its map.</summary>
internal sealed class AxisNetwork
{
    private readonly Axis axis;
    private readonly AxisMap?[] maps;
    private readonly long[] lengths;

    // The first layer that cannot be applied to the lengths it gets; what is behind it has none.
    private readonly (GraphNode Layer, GeometryException Reason)? refused;

    /// <param name="graph">The network.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="sources">Length of each source along it; the longest that is read sets the pace.</param>
    /// <exception cref="UnsupportedLayerException">
    /// A layer cannot be applied to the length it gets, or maps to be joined differ in length.
    /// </exception>
    public AxisNetwork(NetworkGraph graph, Axis axis, params IReadOnlyList<long> sources)
        : this(graph, axis, sources, PaceOf(graph, sources)) => Check();

    private AxisNetwork(NetworkGraph graph, Axis axis, IReadOnlyList<long> sources, int pace)
    {
        (Graph, this.axis, Pace) = (graph, axis, pace);
        maps = new AxisMap?[graph.Nodes.Count];
        lengths = new long[graph.Nodes.Count];
        foreach (var source in graph.Sources)
            lengths[source.Index] = sources[source.Index];
        foreach (var node in graph.Layers)
        {
            try
            {
                if (JoinsDifferent(node))
                    throw new GeometryException($"joins maps of different {Name(axis)}: {Joined(node.Inputs.Select(Length))}");
                var map = node.SizeOf < 0
                    ? node.Layer!.Along(axis, lengths[node.Inputs[0]])
                    : node.Layer!.Fitted(axis, lengths[node.Inputs[0]], lengths[node.SizeOf]);
                maps[node.Index] = map;
                lengths[node.Index] = map.OutputLength;
            }
            catch (GeometryException reason)
            {
                refused = (node, reason);
                break;
            }
        }

        SourceCuts = refused is null ? new SourceCuts(this) : null!;
    }

    /// <summary>The network along rows and along columns.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="sources">Size of each source; the largest that is read sets the pace.</param>
    /// <exception cref="UnsupportedLayerException">
    /// A layer cannot be applied to the length it gets, or maps to be joined differ in length.
    /// </exception>
    public static (AxisNetwork Rows, AxisNetwork Columns) Of(NetworkGraph graph, IReadOnlyList<(long Height, long Width)> sources)
    {
        var pace = PaceOf(graph, [.. sources.Select(size => size.Height * size.Width)]);
        var rows = new AxisNetwork(graph, Axis.Rows, [.. sources.Select(size => size.Height)], pace);
        var columns = new AxisNetwork(graph, Axis.Columns, [.. sources.Select(size => size.Width)], pace);
        CheckJoins(rows, columns);
        // The first layer is named that cannot be applied along either axis.
        if (columns.refused?.Layer.Index < rows.refused?.Layer.Index)
            columns.Check();
        rows.Check();
        columns.Check();
        return (rows, columns);
    }

    public NetworkGraph Graph { get; }

    /// <summary>The source whose positions tiles are counted in: the image, where there is one only.</summary>
    public int Pace { get; }

    /// <summary>Where the other sources are cut.</summary>
    public SourceCuts SourceCuts { get; }

    /// <summary>Length of a node's map.</summary>
    public long Length(int node) => lengths[node];

    /// <summary>Length of the source that sets the pace.</summary>
    public long PaceLength => lengths[Pace];

    /// <summary>A node's integer functions; a source has none.</summary>
    public AxisMap Map(int node) => maps[node]!;

    /// <summary>
    /// How far the source that sets the pace would have to go on, from its first position, for some maps to be complete without a border at
    /// its end.
    /// </summary>
    public long Reach(IEnumerable<int> nodes)
    {
        var reach = new long[lengths.Length];
        foreach (var node in nodes)
            reach[node] = lengths[node];
        for (var i = reach.Length - 1; i >= Graph.FirstLayer; i--)
        {
            foreach (var input in reach[i] > 0 ? Graph.Nodes[i].Inputs : [])
                reach[input] = Math.Max(reach[input], Map(i).Required(reach[i]));
        }

        return SourceCuts.PaceFor(reach.AsSpan(0, Graph.Sources.Count));
    }

    /// <summary>The first of the largest sources that are read; of all where none is.</summary>
    private static int PaceOf(NetworkGraph graph, IReadOnlyList<long> extents) =>
        graph.Sources.Select(source => source.Index)
            .OrderByDescending(source => graph.Consumers[source].Length > 0).ThenByDescending(source => extents[source]).First();

    /// <summary>Maps that are joined and differ along either axis are told of by both.</summary>
    private static void CheckJoins(AxisNetwork rows, AxisNetwork columns)
    {
        var first = new[] { rows.refused?.Layer, columns.refused?.Layer }.OfType<GraphNode>().MinBy(layer => layer.Index);
        if (first is null || !(rows.JoinsDifferent(first) || columns.JoinsDifferent(first)))
            return;
        throw SizeRefusal.Of(
            first.Path,
            first.Layer!.Name,
            [.. rows.Graph.Sources.Select(source => (rows.lengths[source.Index], columns.lengths[source.Index]))],
            new GeometryException($"joins maps of different size: {Joined(first.Inputs.Select(Size))}"));

        string Size(int node) => SizeRefusal.Size(rows.lengths[node], columns.lengths[node]);
    }

    private void Check()
    {
        if (refused is var (layer, reason))
            throw SizeRefusal.Of(
                layer.Path, layer.Layer!.Name, Name(axis), [.. Graph.Sources.Select(source => lengths[source.Index])], reason);
    }

    private bool JoinsDifferent(GraphNode layer) => layer.Inputs.Any(input => lengths[input] != lengths[layer.Inputs[0]]);

    private static string Joined<T>(IEnumerable<T> all) => string.Join(" and ", all);

    private static string Name(Axis axis) => axis == Axis.Rows ? "height" : "width";
}
