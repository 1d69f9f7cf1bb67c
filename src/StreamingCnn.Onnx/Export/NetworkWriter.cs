using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Onnx.Format;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Export;

/// <summary>Writes a traced network node by node.</summary>
/// <param name="graph">Where to.</param>
/// <param name="network">The network, of one image.</param>
internal sealed class NetworkWriter(GraphWriter graph, TracedNetwork network)
{
    private readonly string[] maps = new string[network.Maps.Count];
    private readonly SmallWriter smalls = new(graph, network);

    // What is written as one, and not as what the engine makes of it. Of those with one output the outermost.
    private readonly Dictionary<TracedOutput, TracedCall> calls = network.Calls.Where(call => LayerWriters.Knows(call.Module))
        .GroupBy(call => call.Output).ToDictionary(group => group.Key, group => group.Last());

    /// <summary>Writes all of it.</summary>
    /// <param name="image">The value that the network reads.</param>
    /// <returns>The value that is its output.</returns>
    /// <exception cref="UnsupportedOnnxException">A layer has no form in ONNX.</exception>
    public string Write(string image)
    {
        maps[0] = image;
        var needed = Needed();
        foreach (var (kind, index) in network.Steps)
        {
            var value = new TracedOutput(kind == TracedKind.Small, index);
            if (kind == TracedKind.Reduction || !needed.Contains(value))
                continue;
            if (calls.TryGetValue(value, out var call))
                Write(call);
            else if (value.IsSmall)
                Write(network.Smalls[index]);
            else if (!network.Maps[index].IsSource)
                Write(network.Maps[index]);
        }

        var output = network.Outputs[0];
        return output.IsSmall ? smalls.Value(output.Index) : maps[output.Index];
    }

    /// <summary>What the output hangs on, of all that was traced.</summary>
    private HashSet<TracedOutput> Needed()
    {
        var needed = new HashSet<TracedOutput> { network.Outputs[0] };
        foreach (var (kind, index) in network.Steps.Reverse())
        {
            var value = new TracedOutput(kind == TracedKind.Small, index);
            if (kind != TracedKind.Reduction && needed.Contains(value))
                needed.UnionWith(Read(value));
        }

        return needed;
    }

    private IEnumerable<TracedOutput> Read(TracedOutput value)
    {
        if (calls.TryGetValue(value, out var call))
            return [new(false, call.Input)];
        if (value.IsSmall)
            return smalls.Read(network.Smalls[value.Index]);
        var node = network.Maps[value.Index];
        return node.Needs.Select(input => new TracedOutput(false, input))
            .Concat(((node.Layer as OperandLayer)?.Smalls ?? []).Select(small => new TracedOutput(true, small)));
    }

    private void Write(TracedCall call)
    {
        var written = Named(
            call.Path, call.Module.GetType().Name, () => LayerWriters.Write(call.Module, graph, call.Path, maps[call.Input]));
        if (call.Output.IsSmall)
            smalls.Keep(call.Output.Index, written, PoolingWriters.Shape(call.Module, network.Maps[call.Input].Channels));
        else
            maps[call.Output.Index] = written;
    }

    private void Write(SmallNode small) => Named(small.Path, small.Function?.Name ?? "reduction", () => smalls.Write(small, maps));

    private void Write(GraphNode node) => maps[node.Index] =
        Named(node.Path, node.Layer!.Name, () => Layer(node, [.. node.Inputs.Select(input => maps[input])]));

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
            SizedLayer => Sized(node, inputs[0]),
            FilledLayer => Filled(node, inputs[0]),
            ChannelFactorLayer factors => graph.Node(
                "Mul", name, [inputs[0], graph.Parameter(factors.Parameters.Single(), name + ".factors", -1, 1, 1)]),
            AffineLayer { Norm: null, Smalls: [var scale], Name: "Scale" } =>
                graph.Node("Mul", name, [inputs[0], smalls.AtEachPosition(scale)]),
            AffineLayer { Norm: null, Smalls: [var shift], Name: "Shift" } =>
                graph.Node("Add", name, [inputs[0], smalls.AtEachPosition(shift)]),
            MapFunctionLayer { Name: "Gated" } => graph.Node(
                "Mul", name, [graph.Node("Tanh", name + ".tanh", [inputs[0]]), graph.Node("Sigmoid", name + ".sigmoid", [inputs[1]])]),
            StandardisedConvolutionLayer standardised => LayerWriters.Standardised((Conv2d)standardised.Module!, graph, name, inputs[0]),
            { Module: ChannelShuffle } => graph.Node(
                "Gather", name, [inputs[0], graph.Integers(Taken(node))], ("axis", LayerWriters.Whole(1))),
            { Module: PixelUnshuffle unshuffle } =>
                Unshuffled(unshuffle.downscale_factor, network.Maps[node.Inputs[0]].Channels, name, inputs[0]),
            { Module: BlurPool blur } =>
                ThinningWriters.Blurred(blur, network.Maps[node.Inputs[0]].Channels, graph, name, inputs[0]),
            { Module: StackedPatches } => ThinningWriters.Stacked(graph, name, inputs[0]),
            { Module: { } module } when inputs.Length == 1 && node.Layer is not MadeConvolutionLayer =>
                LayerWriters.Write(module, graph, name, inputs[0]),
            _ => throw new RefusedLayerException("is a layer that is not written as ONNX"),
        };
    }

    /// <summary>What has the height and width of another map.</summary>
    private string Sized(GraphNode node, string input)
    {
        var name = node.Path;
        if (node.Layer is CroppingLayer)
            return graph.Node("Slice", name, [input, graph.Integers(0, 0), Sides(maps[node.SizeOf], name), graph.Integers(2, 3)]);
        var (mode, alignCorners) = node.Layer switch
        {
            BilinearResizingLayer bilinear => (UpsampleMode.Bilinear, bilinear.AlignCorners),
            BicubicResizingLayer bicubic => (UpsampleMode.Bicubic, bicubic.AlignCorners),
            _ => (UpsampleMode.Nearest, false),
        };
        return LayerWriters.Resize(graph, name, [input, "", "", Sizes(input, maps[node.SizeOf], name)], mode, alignCorners);
    }

    /// <summary>A small tensor at each position of a map, as PyTorch writes it: a map of one position, resized.</summary>
    private string Filled(GraphNode node, string map)
    {
        var values = smalls.AtEachPosition(((OperandLayer)node.Layer!).Smalls[0]);
        return LayerWriters.Resize(
            graph, node.Path, [values, "", "", Sizes(values, map, node.Path)], UpsampleMode.Nearest, alignCorners: false);
    }

    /// <summary>The images and channels of one map, and the height and width of another.</summary>
    private string Sizes(string input, string map, string name) => graph.Node(
        "Concat", name + ".sizes", [Part(input, 0, 2, name + ".own"), Sides(map, name)], ("axis", LayerWriters.Whole(0)));

    private string Sides(string map, string name) => Part(map, 2, 4, name + ".sides");

    /// <summary>Some numbers of a map's shape.</summary>
    private string Part(string map, long first, long end, string name) => graph.Node(
        "Slice",
        name,
        [graph.Node("Shape", name + ".shape", [map]), graph.Integers(first), graph.Integers(end), graph.Integers(0)]);

    private string Slice(GraphNode node, string input)
    {
        var taken = Taken(node);
        return graph.Node(
            "Slice", node.Path, [input, graph.Integers(taken[0]), graph.Integers(taken[0] + taken.Length), graph.Integers(1)]);
    }

    /// <summary>Which channels a layer takes, as is seen on a map that has their numbers.</summary>
    private long[] Taken(GraphNode node)
    {
        using var scope = NewDisposeScope();
        var numbers = KeptScalars.Range(0, network.Maps[node.Inputs[0]].Channels, ScalarType.Int64, CPU).reshape(1, -1, 1, 1);
        return node.Layer!.Whole([numbers]).reshape(-1).data<long>().ToArray();
    }

    /// <summary>PyTorch has a channel's positions one behind the other, ONNX a position's channels.</summary>
    private string Unshuffled(long side, long channels, string name, string input)
    {
        var deep = graph.Node("SpaceToDepth", name + ".blocks", [input], ("blocksize", LayerWriters.Whole(side)));
        var order = Enumerable.Range(0, (int)channels).SelectMany(
            channel => Enumerable.Range(0, (int)(side * side)).Select(place => (place * channels) + channel));
        return graph.Node("Gather", name, [deep, graph.Integers([.. order])], ("axis", LayerWriters.Whole(1)));
    }
}
