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
/// Which positions of a stage's outputs count, as far as that follows from the network's sources alone: from a mask, from a target that
/// says of positions that they are to be ignored. It is known before the stage runs.
/// </summary>
internal sealed class CountedPositions
{
    private readonly Counted?[] outputs;

    private CountedPositions(Counted?[] outputs) => this.outputs = outputs;

    /// <summary>
    /// What each output is where nothing counts; null for reductions, to which such positions add nothing, and for what counts everywhere.
    /// </summary>
    public IReadOnlyList<double?> Elsewhere => Array.ConvertAll(outputs, output => output?.Elsewhere);

    /// <summary>Where a stage's outputs count; null for everywhere.</summary>
    /// <param name="network">The network.</param>
    /// <param name="stage">The stage.</param>
    /// <param name="graph">Its maps, as they are streamed.</param>
    /// <param name="sources">The network's sources.</param>
    public static CountedPositions? Of(StagedNetwork network, Stage stage, NetworkGraph graph, SourceSet sources)
    {
        var known = new KnownMaps(graph, Source);
        Counted?[] outputs =
        [
            .. stage.Outputs.Zip(graph.Outputs, (output, node) => output.Map >= 0
                ? OfMap(graph.Nodes[node], known)
                : OfReduction(network.Network.Reductions[output.Reduction].Kind, graph, graph.Nodes[node].Inputs, known)),
        ];
        return Array.TrueForAll(outputs, one => one is null) ? null : new(outputs);

        // A source whose gradient is wanted may be moved where it is 0.
        MapSource? Source(int node)
        {
            var map = stage.Sources[node];
            return network.Network.Maps[map].IsSource && !network.Differentiable.NeedsMap(map) ? sources[map] : null;
        }
    }

    /// <summary>The smallest rectangle that holds all positions of a part of an output that count, in any image and channel.</summary>
    /// <param name="output">The output.</param>
    /// <param name="owned">The part.</param>
    public Region Wanted(int output, Region owned)
    {
        if (outputs[output] is not { Positions: { } positions })
            return owned;
        using var scope = NewDisposeScope();
        var counted = positions(owned).any(1).any(0);
        return new(Hull(counted.any(1), owned.Rows.Start), Hull(counted.any(0), owned.Columns.Start));
    }

    private static Counted? OfReduction(MapReduction reduction, NetworkGraph graph, int[] operands, KnownMaps known)
    {
        if (reduction.Selectors is { Count: > 0 } selectors)
        {
            var chosen = selectors.Select(operand => known.Values(operands[operand])).ToArray();
            return Array.TrueForAll(chosen, one => one is not null)
                ? new(region => reduction.Selected(Array.ConvertAll(chosen, one => one!(region))), null)
                : null;
        }

        return operands.Length == 1 && OfMap(graph.Nodes[operands[0]], known) is { } counted && reduction.Neutral == counted.Elsewhere
            ? counted with { Elsewhere = null }
            : null;
    }

    /// <summary>Where a map that is masked is its own, and what it is elsewhere.</summary>
    private static Counted? OfMap(GraphNode node, KnownMaps known) =>
        KnownMaps.Inner(node) is MapFunctionLayer { Mask: var (mask, elsewhere) } && known.Values(node.Inputs[mask]) is { } values
            ? new(region => values(region).to(ScalarType.Bool), elsewhere)
            : null;

    private static Interval Hull(Tensor counted, long start)
    {
        var values = counted.cpu().data<bool>().ToArray();
        var first = Array.IndexOf(values, true);
        return first < 0 ? default : new(start + first, start + Array.LastIndexOf(values, true) + 1);
    }

    /// <summary>Where something counts, by regions, and what there is elsewhere.</summary>
    private sealed record Counted(Func<Region, Tensor> Positions, double? Elsewhere);

    /// <summary>Maps of a stage whose values follow from sources position by position.</summary>
    private sealed class KnownMaps(NetworkGraph graph, Func<int, MapSource?> sources)
    {
        /// <summary>A map's values by regions; null where they follow from more than that.</summary>
        public Func<Region, Tensor>? Values(int index)
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

        public static LocalLayer? Inner(GraphNode node) => node.Layer is Float32Layer wide ? wide.Inner : node.Layer;
    }
}
