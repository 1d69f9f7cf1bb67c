using StreamingCnn.Models;
using StreamingCnn.Onnx.Format;
using TorchSharp.Modules;
using Module = TorchSharp.torch.nn.Module;

namespace StreamingCnn.Onnx.Export;

/// <summary>Poolings of whole maps.</summary>
internal static class PoolingWriters
{
    /// <summary>Adds them to those that are written.</summary>
    public static void Add()
    {
        LayerWriters.Add<AdaptiveAvgPool2d>((pool, graph, name, x) => Whole(graph, "GlobalAveragePool", name, x, pool.output_size));
        LayerWriters.Add<AdaptiveMaxPool2d>((pool, graph, name, x) => Whole(graph, "GlobalMaxPool", name, x, pool.output_size));
        LayerWriters.Add<MeanPooling>((_, graph, name, x) => Reduced(graph, "ReduceMean", name, x));
        LayerWriters.Add<MaxPooling>((_, graph, name, x) => Reduced(graph, "ReduceMax", name, x));
        LayerWriters.Add<SumPooling>((_, graph, name, x) => graph.Node("ReduceSum", name, [x, graph.Integers(2, 3)], Keeps(false)));
        LayerWriters.Add<GeMPooling>(PowerMean);
        LayerWriters.Add<LogSumExpPooling>(LogSumExp);
        LayerWriters.Add<TopKPooling>(Largest);
        LayerWriters.Add<VariancePooling>(Variance);
        LayerWriters.Add<LogitAttention>((pool, graph, name, x) => SelfAttention(pool, graph, name, x, x));
        LayerWriters.Add<SigmoidAttention>((pool, graph, name, x) =>
            SelfAttention(pool, graph, name, x, graph.Node("Sigmoid", name + ".sigmoid", [x])));
        LayerWriters.Add<SizeFocalPooling>((_, _, _, _) => throw OfLosses());
        LayerWriters.Add<WeakLabelPooling>((_, _, _, _) => throw OfLosses());
    }

    /// <summary>The shape of what a pooling gives of a map of some channels.</summary>
    public static long[] Shape(Module pooling, long channels) => pooling switch
    {
        AdaptiveAvgPool2d or AdaptiveMaxPool2d => SmallWriter.Shape(channels, 1, 1),
        _ => SmallWriter.Shape(channels),
    };

    /// <summary>The axes of rows and columns.</summary>
    public static (string, OnnxAttribute) Positions() => ("axes", new() { Integers = [2, 3] });

    /// <summary>Whether axes that are reduced stay, with one value.</summary>
    public static (string, OnnxAttribute) Keeps(bool keeps) => ("keepdims", LayerWriters.Whole(keeps ? 1 : 0));

    /// <summary>Values weighted by the softmax over positions of their scores.</summary>
    public static string SoftmaxSum(GraphWriter graph, string name, string map, string scores)
    {
        var weights = graph.Node("Softmax", name + ".softmax", [Rows(graph, name + ".scores", scores)], ("axis", LayerWriters.Whole(-1)));
        var product = graph.Node("Mul", name + ".weighted", [Rows(graph, name + ".values", map), weights]);
        return graph.Node("ReduceSum", name, [product, graph.Integers(2)], Keeps(false));
    }

    /// <summary>All positions of a channel in a row.</summary>
    private static string Rows(GraphWriter graph, string name, string map) => graph.Node("Reshape", name, [map, graph.Integers(0, 0, -1)]);

    private static RefusedLayerException OfLosses() => new("is for losses alone, which are not written as ONNX");

    private static string Reduced(GraphWriter graph, string operation, string name, string x, bool keeps = false) =>
        graph.Node(operation, name, [x], Positions(), Keeps(keeps));

    private static string Whole(GraphWriter graph, string operation, string name, string x, long[] size) => size is [1, 1]
        ? graph.Node(operation, name, [x])
        : throw new RefusedLayerException(
            $"pools to {string.Join(" x ", size)} values, whose windows ONNX has no form for at any size of image; pool to one value");

    private static string PowerMean(GeMPooling pool, GraphWriter graph, string name, string x)
    {
        var (power, root) = pool.Trained is { } trained
            ? (graph.Parameter(trained, name + ".p"), graph.Tensor(name + ".inverse", trained.reciprocal()))
            : (graph.Number(pool.Exponent), graph.Number(1 / pool.Exponent));
        var least = graph.Number(pool.Eps);
        var powers = graph.Node("Pow", name + ".powers", [graph.Node("Clip", name + ".bounded", [x, least]), power]);
        var mean = Reduced(graph, "ReduceMean", name + ".mean", powers);
        return graph.Node("Pow", name, [pool.BoundsMean ? graph.Node("Clip", name + ".least", [mean, least]) : mean, root]);
    }

    /// <summary>log(mean of exp(r x)) / r. The largest value is taken off before, lest the exponential be no number.</summary>
    private static string LogSumExp(LogSumExpPooling pool, GraphWriter graph, string name, string x)
    {
        var largest = Reduced(graph, "ReduceMax", name + ".largest", x, keeps: true);
        var sharpness = graph.Number(pool.Sharpness);
        var sharp = graph.Node("Mul", name + ".sharp", [graph.Node("Sub", name + ".below", [x, largest]), sharpness]);
        var mean = Reduced(graph, "ReduceMean", name + ".mean", graph.Node("Exp", name + ".exp", [sharp]));
        var above = graph.Node("Div", name + ".above", [graph.Node("Log", name + ".log", [mean]), sharpness]);
        return graph.Node("Add", name, [above, graph.Node("Squeeze", name + ".peak", [largest, graph.Integers(2, 3)])]);
    }

    private static string Largest(TopKPooling pool, GraphWriter graph, string name, string x)
    {
        var largest = graph.Several("TopK", name + ".largest", [Rows(graph, name + ".values", x), graph.Integers(pool.Count)], 2);
        return graph.Node("ReduceMean", name, [largest[0]], ("axes", new() { Integers = [2] }), Keeps(false));
    }

    private static string Variance(VariancePooling pool, GraphWriter graph, string name, string x)
    {
        if (pool.OfSoftmax)
            throw new RefusedLayerException("is the variance of a softmax, which would be lost in float32, and is not written as ONNX");
        var centred = graph.Node("Sub", name + ".centred", [x, Reduced(graph, "ReduceMean", name + ".mean", x, keeps: true)]);
        return Reduced(graph, "ReduceMean", name, graph.Node("Mul", name + ".square", [centred, centred]));
    }

    private static string SelfAttention(SelfAttention pool, GraphWriter graph, string name, string x, string scores) =>
        SoftmaxSum(graph, name, x, graph.Node("Div", name + ".tempered", [scores, graph.Number(pool.TemperatureNow)]));
}
