using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Onnx.Format;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Export;

/// <summary>Writes a traced network node by node.</summary>
/// <param name="graph">Where to.</param>
/// <param name="network">The network, of one image.</param>
internal sealed class NetworkWriter(GraphWriter graph, TracedNetwork network)
{
    private readonly string[] maps = new string[network.Maps.Count];
    private readonly SmallWriter smalls = new(graph, network);

    /// <summary>Writes all of it.</summary>
    /// <param name="image">The value that the network reads.</param>
    /// <returns>The value that is its output.</returns>
    /// <exception cref="UnsupportedOnnxException">A layer has no form in ONNX.</exception>
    public string Write(string image)
    {
        maps[0] = image;
        foreach (var (kind, index) in network.Steps)
        {
            switch (kind)
            {
                case TracedKind.Map when !network.Maps[index].IsSource:
                    var node = network.Maps[index];
                    maps[index] = Named(node.Path, node.Layer!.Name, () => Layer(node, [.. node.Inputs.Select(input => maps[input])]));
                    break;
                case TracedKind.Small:
                    var small = network.Smalls[index];
                    Named(small.Path, small.Function?.Name ?? "reduction", () => smalls.Write(small, maps));
                    break;
            }
        }

        var output = network.Outputs[0];
        return output.IsSmall ? smalls.Value(output.Index) : maps[output.Index];
    }

    private static string Named(string path, string name, Func<string> write)
    {
        try
        {
            return write();
        }
        catch (RefusedLayerException reason)
        {
            throw new UnsupportedOnnxException($"The network cannot be written as ONNX: layer '{path}' ({name}) {reason.Message}.", reason);
        }
    }

    private string Layer(GraphNode node, string[] inputs)
    {
        var name = node.Path;
        return node.Layer switch
        {
            AdditionLayer => graph.Node("Add", name, inputs),
            MultiplicationLayer => graph.Node("Mul", name, inputs),
            ConcatenationLayer => graph.Node("Concat", name, inputs, ("axis", LayerWriters.Whole(1))),
            IdentityLayer => graph.Node("Identity", name, inputs),
            ChannelSliceLayer => Slice(node, inputs[0]),
            ChannelFactorLayer factors => graph.Node(
                "Mul", name, [inputs[0], graph.Parameter(factors.Parameters.Single(), name + ".factors", -1, 1, 1)]),
            AffineLayer { Norm: null, Smalls: [var scale], Name: "Scale" } => graph.Node("Mul", name, [inputs[0], smalls.AtEachPosition(scale)]),
            AffineLayer { Norm: null, Smalls: [var shift], Name: "Shift" } => graph.Node("Add", name, [inputs[0], smalls.AtEachPosition(shift)]),
            MapFunctionLayer { Name: "Gated" } => graph.Node(
                "Mul", name, [graph.Node("Tanh", name + ".tanh", [inputs[0]]), graph.Node("Sigmoid", name + ".sigmoid", [inputs[1]])]),
            { Module: { } module } when inputs.Length == 1 && node.Layer is not MadeConvolutionLayer =>
                LayerWriters.Write(module, graph, name, inputs[0]),
            _ => throw new RefusedLayerException("is a layer that is not written as ONNX"),
        };
    }

    /// <summary>Some of the channels: which, is seen on a map that has their numbers.</summary>
    private string Slice(GraphNode node, string input)
    {
        using var scope = NewDisposeScope();
        var numbers = arange(network.Maps[node.Inputs[0]].Channels).reshape(1, -1, 1, 1);
        var taken = node.Layer!.Whole([numbers]).reshape(-1);
        var start = taken[0].item<long>();
        return graph.Node("Slice", node.Path, [input, graph.Integers(start), graph.Integers(start + taken.numel()), graph.Integers(1)]);
    }
}
