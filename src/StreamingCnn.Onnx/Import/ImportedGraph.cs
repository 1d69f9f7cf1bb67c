using System.Runtime.InteropServices;
using StreamingCnn.Geometry;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Onnx.Format;
using StreamingCnn.Onnx.Import.Fusion;

using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import;

/// <summary>A file's graph while it becomes a network: what each value is, and what was refused.</summary>
internal sealed class ImportedGraph
{
    private const int LongestReason = 400;

    private readonly Dictionary<string, OnnxValue> values = [];
    private readonly List<NodeRefusal> refusals = [];

    /// <exception cref="WireFormatException">The graph is none.</exception>
    public ImportedGraph(OnnxModel model, Module root, IReadOnlyList<string> wanted)
    {
        Builder = new(root);
        var graph = model.Graph;
        if (model.Opset is < OperatorTable.Oldest or > OperatorTable.Newest)
        {
            throw new WireFormatException(
                $"uses version {model.Opset} of the operators, and {OperatorTable.Oldest} to {OperatorTable.Newest} are supported");
        }

        foreach (var tensor in graph.Initialisers)
            values[tensor.Name] = new ConstantValue(tensor, Learns: true);
        var image = Image(graph);
        Channels = ChannelsOf(image, graph);
        Nodes = NodeOrder.Of(Patterns.Fuse(NodeOrder.Of(graph.Nodes, wanted), graph.Initialisers), wanted);
        values[image.Name] = Builder.Image(Channels, image.Shape?[0], image.Shape?[2], image.Shape?[3]);
        foreach (var node in Nodes)
            Import(node, model.Opset);
    }

    /// <summary>What the network is made of.</summary>
    public NetworkBuilder Builder { get; }

    /// <summary>Channels of the image.</summary>
    public long Channels { get; }

    /// <summary>The nodes that the outputs need, in their order.</summary>
    public IReadOnlyList<OnnxNode> Nodes { get; }

    /// <summary>The nodes that were refused. Those behind them were not looked at.</summary>
    public IReadOnlyList<NodeRefusal> Refusals => refusals;

    /// <summary>Names of values that hang on refused nodes.</summary>
    public bool IsLost(string value) => values.GetValueOrDefault(value) is LostValue;

    /// <summary>What a name stands for; null where nothing gives it.</summary>
    public OnnxValue? this[string name] => values.GetValueOrDefault(name);

    private void Import(OnnxNode node, long opset)
    {
        if (node.Inputs.Any(IsLost))
        {
            Lose(node);
            return;
        }

        try
        {
            if (node.Domain is not ("" or "ai.onnx") || OperatorTable.Find(node.Operator) is not { } import)
            {
                throw new RefusedNodeException(
                    node.Domain.Length > 0
                        ? $"is an operator of '{Excerpt.Of(node.Domain)}', which is not supported"
                        : "is an operator that is not supported");
            }

            var given = import(new(Builder, node, opset, values));
            for (var i = 0; i < node.Outputs.Count; i++)
            {
                if (node.Outputs[i].Length > 0)
                    values[node.Outputs[i]] = i < given.Count ? given[i] : new LostValue();
            }
        }
        catch (Exception reason) when (reason
            is RefusedNodeException or UnsupportedLayerException or GeometryException or ArgumentException
                or ExternalException or WireFormatException
            or NotSupportedException or ArithmeticException or IndexOutOfRangeException)
        {
            refusals.Add(new(Excerpt.Of(node.Title), Excerpt.Of(node.Operator), Short(reason.Message)));
            Lose(node);
        }
    }

    /// <summary>A reason, which may hold names from the file, in one line of bounded length.</summary>
    private static string Short(string reason)
    {
        var line = reason.Split('\n')[0].TrimEnd('.');
        return line.Length <= LongestReason ? line : line[..LongestReason] + "…";
    }

    private void Lose(OnnxNode node)
    {
        foreach (var output in node.Outputs)
            values[output] = new LostValue();
    }

    /// <summary>The input that is the image: the only one that is no initialiser.</summary>
    private static OnnxValueInfo Image(OnnxGraph graph)
    {
        var given = graph.Initialisers.Select(tensor => tensor.Name).ToHashSet();
        OnnxValueInfo[] inputs = [.. graph.Inputs.Where(input => !given.Contains(input.Name))];
        return inputs switch
        {
            [{ Shape: null or { Count: 4 } } one] => one,
            [var one] => throw new WireFormatException(
                $"has an input '{Excerpt.Of(one.Name)}' of {one.Shape!.Count} dimensions, where images [N, C, H, W] are needed"),
            _ => throw new WireFormatException(
                $"has {inputs.Length} inputs ({Excerpt.Of(string.Join(", ", inputs.Select(input => input.Name)))}), where one image is needed"),
        };
    }

    /// <summary>Channels of the image: as the file says, or as the first convolution has them.</summary>
    private static long ChannelsOf(OnnxValueInfo image, OnnxGraph graph)
    {
        if (image.Shape?[1] is { } stated)
            return stated;
        var weights = graph.Initialisers.ToDictionary(tensor => tensor.Name);
        return graph.Nodes.Where(node => node.Operator == "Conv" && node.Inputs.Count > 1)
            .Select(node => weights.GetValueOrDefault(node.Inputs[1]) is { Shape: [_, var channels, _, _] }
                ? channels * (node.Attributes.GetValueOrDefault("group")?.Integer ?? 1)
                : (long?)null)
            .FirstOrDefault(channels => channels is not null)
            ?? throw new WireFormatException("does not say how many channels its image has");
    }
}
