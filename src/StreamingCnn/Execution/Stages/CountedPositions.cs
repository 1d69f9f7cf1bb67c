using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Planning;
using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// Where the positions of a stage's reductions count, as far as that follows from the network's sources alone: from a mask, from a target
/// that says of positions that they are to be ignored. It is known before the stage runs.
/// </summary>
internal sealed class CountedPositions
{
    private readonly NetworkGraph graph;
    private readonly Func<int, MapSource?> sources;

    private CountedPositions(NetworkGraph graph, Func<int, MapSource?> sources) => (this.graph, this.sources) = (graph, sources);

    /// <summary>What is wanted of a stage's outputs; null for all.</summary>
    /// <param name="network">The network.</param>
    /// <param name="stage">The stage.</param>
    /// <param name="graph">Its maps, as they are streamed.</param>
    /// <param name="sources">The network's sources.</param>
    public static WantedOutputs? Of(StagedNetwork network, Stage stage, NetworkGraph graph, SourceSet sources)
    {
        var positions = new CountedPositions(graph, Source);
        Func<Region, Tensor>?[] counted =
        [
            .. stage.Outputs.Select((output, index) => output.Map >= 0
                ? null
                : positions.Of(network.Network.Reductions[output.Reduction].Kind, graph.Nodes[graph.Outputs[index]].Inputs)),
        ];
        return Array.TrueForAll(counted, one => one is null)
            ? null
            : (output, owned) => counted[output] is { } positions ? Hull(positions, owned) : owned;

        // A source whose gradient is wanted may be moved where it is 0.
        MapSource? Source(int node)
        {
            var map = stage.Sources[node];
            return network.Network.Maps[map].IsSource && !network.Differentiable.NeedsMap(map) ? sources[map] : null;
        }
    }

    /// <summary>Where a reduction's operands count, by regions; null where they count everywhere, or where that is not known.</summary>
    private Func<Region, Tensor>? Of(MapReduction reduction, int[] operands)
    {
        if (reduction.Selectors is { Count: > 0 } selectors)
        {
            var chosen = selectors.Select(operand => Values(operands[operand])).ToArray();
            return Array.TrueForAll(chosen, one => one is not null)
                ? region => reduction.Selected(Array.ConvertAll(chosen, one => one!(region)))
                : null;
        }

        var node = graph.Nodes[operands[0]];
        return operands.Length == 1 && Inner(node) is MapFunctionLayer { Mask: var (mask, elsewhere) } && reduction.Neutral == elsewhere
            && Values(node.Inputs[mask]) is { } values
                ? region => values(region).to(ScalarType.Bool)
                : null;
    }

    /// <summary>A map's values, where they follow from sources position by position; else null.</summary>
    private Func<Region, Tensor>? Values(int index)
    {
        var node = graph.Nodes[index];
        if (node.IsSource)
            return sources(index) is { } source ? source.Read : null;
        if (Inner(node) is not MapFunctionLayer { Smalls: [] } layer)
            return null;
        var operands = Array.ConvertAll(node.Inputs, Values);
        return Array.TrueForAll(operands, one => one is not null)
            ? region => layer.Apply(Array.ConvertAll(operands, one => one!(region)), [])
            : null;
    }

    private static LocalLayer? Inner(GraphNode node) => node.Layer is Float32Layer wide ? wide.Inner : node.Layer;

    /// <summary>The smallest rectangle that holds all positions that count, in any image and channel.</summary>
    private static Region Hull(Func<Region, Tensor> counted, Region region)
    {
        using var scope = NewDisposeScope();
        var positions = counted(region).any(1).any(0);
        return new(Hull(positions.any(1), region.Rows.Start), Hull(positions.any(0), region.Columns.Start));
    }

    private static Interval Hull(Tensor counted, long start)
    {
        var values = counted.cpu().data<bool>().ToArray();
        var first = Array.IndexOf(values, true);
        return first < 0 ? default : new(start + first, start + Array.LastIndexOf(values, true) + 1);
    }
}
