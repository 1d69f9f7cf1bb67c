using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// Graphs of layers that have integers alone, with branches and merges, so that thousands of them can be planned in a second.
/// </summary>
internal static class RandomGraph
{
    private const long Longest = 200;

    /// <summary>All kinds of layers.</summary>
    public static MapKind[] AllKinds { get; } = Enum.GetValues<MapKind>();

    /// <summary>Grows a graph for one image size.</summary>
    public static NetworkGraph Grow(int seed, int layers, long height, long width, params MapKind[] kinds) =>
        Grow(seed, layers, [(height, width)], kinds);

    /// <summary>Grows a graph for sources of given sizes.</summary>
    public static NetworkGraph Grow(int seed, int layers, IReadOnlyList<(long Height, long Width)> sources, params MapKind[] kinds)
    {
        var random = new Random(seed);
        var nodes = sources.Select((_, source) => new GraphNode(source, null, [], 1, $"source {source}")).ToList();
        var sizes = sources.ToList();
        while (layers-- > 0)
        {
            var from = random.Next(4) == 0 ? random.Next(nodes.Count) : nodes.Count - 1;
            var alike = Enumerable.Range(0, nodes.Count).Where(i => i != from && sizes[i] == sizes[from]).ToArray();
            if (alike.Length > 0 && random.Next(3) == 0)
                Add(new(new(MapKind.Pointwise), new(MapKind.Pointwise)), from, alike[random.Next(alike.Length)]);
            else
                Add(Draw(), from);
        }

        int[] outputs = random.Next(3) == 0 ? [nodes.Count - 1, random.Next(nodes.Count)] : [nodes.Count - 1];
        // A source that is an output goes through a layer that copies it, as in a traced network.
        for (var i = 0; i < outputs.Length; i++)
        {
            if (!nodes[outputs[i]].IsSource)
                continue;
            Add(new(new(MapKind.Pointwise), new(MapKind.Pointwise)), outputs[i]);
            outputs[i] = nodes.Count - 1;
        }

        return new(nodes, outputs);

        StandInLayer Draw()
        {
            var kind = kinds[random.Next(kinds.Length)];
            return new(
                MapSettings.Random(random, kind), MapSettings.Random(random, kind), isPointwise: kind == MapKind.Pointwise
                    && random.Next(4) > 0);
        }

        void Add(StandInLayer layer, params int[] inputs)
        {
            try
            {
                var (above, beside) = sizes[inputs[0]];
                var size = (layer.Along(Axis.Rows, above).OutputLength, layer.Along(Axis.Columns, beside).OutputLength);
                if (size.Item1 > Longest || size.Item2 > Longest)
                    return;
                nodes.Add(new(nodes.Count, layer, inputs, 1, $"layer{nodes.Count}"));
                sizes.Add(size);
            }
            catch (GeometryException)
            {
                // The settings do not fit the map; the graph has one layer less.
            }
        }
    }

    /// <summary>Layers one behind the other, the same along both axes.</summary>
    public static NetworkGraph Chain(params IReadOnlyList<MapSettings> layers)
    {
        var nodes = new List<GraphNode> { new(0, null, [], 1, "image") };
        foreach (var settings in layers)
            nodes.Add(new(nodes.Count, new StandInLayer(settings, settings), [nodes.Count - 1], 1, $"layer{nodes.Count}"));
        return new(nodes, [layers.Count]);
    }
}
