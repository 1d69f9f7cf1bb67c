using StreamingCnn.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Export;

/// <summary>Norms, of positions and of whole maps, and gates.</summary>
internal static class NormWriters
{
    /// <summary>Adds them to those that are written.</summary>
    public static void Add()
    {
        LayerWriters.Add<BatchNorm2d>((norm, graph, name, x) => Running(norm, graph, name, x, norm.eps, norm.momentum));
        LayerWriters.Add<InstanceNorm2d>((norm, graph, name, x) => norm.track_running_stats
            ? Running(norm, graph, name, x, norm.eps, norm.momentum)
            : Instance(graph, name, x, Weight(norm, graph, name), Bias(norm, graph, name), norm.eps));
        LayerWriters.Add<GroupNorm>(Groups);
        LayerWriters.Add<ChannelLayerNorm>((norm, graph, name, x) => LayerWriters.OverChannels(graph, name, x, last => graph.Node(
            "LayerNormalization",
            name + ".norm",
            [last, graph.Parameter(norm.Weight, name + ".weight"), graph.Parameter(norm.Bias, name + ".bias")],
            ("axis", LayerWriters.Whole(-1)),
            ("epsilon", LayerWriters.Real(norm.Eps)))));
        LayerWriters.Add<LayerNorm>((norm, graph, name, x) => norm.normalized_shape.Length == 1 && norm.weight is { } weight
            ? LayerWriters.OverChannels(graph, name, x, last => graph.Node(
                "LayerNormalization",
                name + ".norm",
                [
                    last,
                    graph.Parameter(weight, name + ".weight"),
                    .. norm.bias is { } bias ? (string[])[graph.Parameter(bias, name + ".bias")] : []
                ],
                ("axis", LayerWriters.Whole(-1)),
                ("epsilon", LayerWriters.Real(norm.eps))))
            : throw new RefusedLayerException("normalises over more than channels, or has no weight, which is not written as ONNX"));
        LayerWriters.Add<GlobalResponseNorm>(Response);
        LayerWriters.Add<EfficientChannelAttention>(ChannelAttention);
    }

    /// <summary>With running statistics.</summary>
    private static string Running(NormBase norm, GraphWriter graph, string name, string x, double eps, double? momentum) => graph.Node(
        "BatchNormalization",
        name,
        [
            x,
            Weight(norm, graph, name),
            Bias(norm, graph, name),
            graph.Parameter(norm.running_mean!, name + ".running_mean"),
            graph.Parameter(norm.running_var!, name + ".running_var"),
        ],
        ("epsilon", LayerWriters.Real(eps)),
        ("momentum", LayerWriters.Real(1 - (momentum ?? 0.1))));

    private static string Weight(NormBase norm, GraphWriter graph, string name) => norm.weight is { } weight
        ? graph.Parameter(weight, name + ".weight")
        : graph.Tensor(name + ".weight", ones(norm.num_features));

    private static string Bias(NormBase norm, GraphWriter graph, string name) => norm.bias is { } bias
        ? graph.Parameter(bias, name + ".bias")
        : graph.Tensor(name + ".bias", zeros(norm.num_features));

    private static string Instance(GraphWriter graph, string name, string x, string weight, string bias, double eps) =>
        graph.Node("InstanceNormalization", name, [x, weight, bias], ("epsilon", LayerWriters.Real(eps)));

    /// <summary>
    /// As PyTorch writes it: an instance norm of groups that are laid in rows. An operator of its own is in newer versions alone.
    /// </summary>
    private static string Groups(GroupNorm norm, GraphWriter graph, string name, string x)
    {
        var groups = norm.num_groups;
        var rows = graph.Node("Reshape", name + ".rows", [x, graph.Integers(0, groups, -1)]);
        var (one, zero) = (graph.Tensor($"const::ones[{groups}]", ones(groups)), graph.Tensor($"const::zeros[{groups}]", zeros(groups)));
        var normalised = Instance(graph, name + ".groups", rows, one, zero, norm.eps);
        var isPlain = norm.weight is null;
        var whole = graph.Node(
            "Reshape", isPlain ? name : name + ".normalised", [normalised, graph.Node("Shape", name + ".shape", [x])]);
        if (isPlain)
            return whole;
        var product = graph.Node("Mul", name + ".product", [whole, graph.Parameter(norm.weight!, name + ".weight", -1, 1, 1)]);
        return graph.Node("Add", name, [product, graph.Parameter(norm.bias!, name + ".bias", -1, 1, 1)]);
    }

    private static string Response(GlobalResponseNorm norm, GraphWriter graph, string name, string x)
    {
        var lengths = graph.Node("ReduceL2", name + ".norms", [x], PoolingWriters.Positions(), PoolingWriters.Keeps(true));
        var mean = graph.Node("ReduceMean", name + ".mean", [lengths], ("axes", new() { Integers = [1] }), PoolingWriters.Keeps(true));
        var response = graph.Node(
            "Div", name + ".response", [lengths, graph.Node("Add", name + ".divisor", [mean, graph.Number(norm.Eps)])]);
        var product = graph.Node("Mul", name + ".product", [x, response]);
        var weighted = graph.Node("Mul", name + ".weighted", [product, graph.Parameter(norm.Weight, name + ".weight", -1, 1, 1)]);
        return graph.Node(
            "Add", name, [x, graph.Node("Add", name + ".sum", [weighted, graph.Parameter(norm.Bias, name + ".bias", -1, 1, 1)])]);
    }

    private static string ChannelAttention(EfficientChannelAttention gate, GraphWriter graph, string name, string x)
    {
        var mean = graph.Node("ReduceMean", name + ".mean", [x], PoolingWriters.Positions(), PoolingWriters.Keeps(false));
        var row = graph.Node("Unsqueeze", name + ".row", [mean, graph.Integers(1)]);
        var side = gate.Weight.shape[2];
        var logits = graph.Node(
            "Conv",
            name + ".conv",
            [row, graph.Parameter(gate.Weight, name + ".conv.weight")],
            ("kernel_shape", new() { Integers = [side] }),
            ("pads", new() { Integers = [side / 2, side / 2] }));
        var factors = graph.Node("Sigmoid", name + ".gate", [graph.Node("Squeeze", name + ".logits", [logits, graph.Integers(1)])]);
        return graph.Node("Mul", name, [x, graph.Node("Unsqueeze", name + ".factors", [factors, graph.Integers(2, 3)])]);
    }
}
