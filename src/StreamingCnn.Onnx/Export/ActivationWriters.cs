using StreamingCnn.Onnx.Format;
using TorchSharp.Modules;

namespace StreamingCnn.Onnx.Export;

/// <summary>Functions of single values, and of the channels of a position.</summary>
internal static class ActivationWriters
{
    private const double LargeThreshold = 20;

    /// <summary>Adds them to those that are written.</summary>
    public static void Add()
    {
        LayerWriters.Plain<ReLU>("Relu");
        LayerWriters.Plain<Sigmoid>("Sigmoid");
        LayerWriters.Plain<Tanh>("Tanh");
        LayerWriters.Add<Softplus>(Softplus);
        LayerWriters.Plain<Softsign>("Softsign");
        LayerWriters.Plain<Hardswish>("HardSwish");
        LayerWriters.Add<ReLU6>((_, graph, name, x) => graph.Node("Clip", name, [x, graph.Number(0), graph.Number(6)]));
        LayerWriters.Add<Hardsigmoid>(
            (_, graph, name, x) =>
                graph.Node("HardSigmoid", name, [x], ("alpha", LayerWriters.Real(1 / 6.0)), ("beta", LayerWriters.Real(0.5))));
        LayerWriters.Add<LeakyReLU>(
            (layer, graph, name, x) => graph.Node("LeakyRelu", name, [x], ("alpha", LayerWriters.Real(layer.negative_slope))));
        LayerWriters.Add<ELU>((layer, graph, name, x) => graph.Node("Elu", name, [x], ("alpha", LayerWriters.Real(layer.alpha))));
        LayerWriters.Add<PReLU>(
            (layer, graph, name, x) => graph.Node("PRelu", name, [x, graph.Parameter(layer.weight!, name + ".weight", -1, 1, 1)]));
        LayerWriters.Add<SiLU>((_, graph, name, x) => graph.Node("Mul", name, [x, graph.Node("Sigmoid", name + ".sigmoid", [x])]));
        LayerWriters.Add<GELU>(Gelu);
        LayerWriters.Add<CELU>((layer, graph, name, x) => graph.Node("Celu", name, [x], ("alpha", LayerWriters.Real(layer.alpha))));
        LayerWriters.Plain<SELU>("Selu");
        LayerWriters.Add<Mish>((_, graph, name, x) => graph.Node(
            "Mul", name, [x, graph.Node("Tanh", name + ".tanh", [graph.Node("Softplus", name + ".softplus", [x])])]));
        LayerWriters.Add<LogSigmoid>((_, graph, name, x) => graph.Node(
            "Neg", name, [graph.Node("Softplus", name + ".softplus", [graph.Node("Neg", name + ".negative", [x])])]));
        LayerWriters.Add<Tanhshrink>((_, graph, name, x) => graph.Node("Sub", name, [x, graph.Node("Tanh", name + ".tanh", [x])]));
        LayerWriters.Add<Hardtanh>((layer, graph, name, x) =>
            graph.Node("Clip", name, [x, graph.Number(layer.min_val), graph.Number(layer.max_val)]));
        LayerWriters.Add<Softshrink>((layer, graph, name, x) => Shrunk(graph, name, x, layer.lambda, layer.lambda));
        LayerWriters.Add<Hardshrink>((layer, graph, name, x) => Shrunk(graph, name, x, layer.lambda, 0));
        LayerWriters.Add<Threshold>((layer, graph, name, x) => layer.value == 0
            ? graph.Node("ThresholdedRelu", name, [x], ("alpha", LayerWriters.Real(layer.threshold)))
            : throw new RefusedLayerException("puts another number than 0 below its threshold, which ONNX has no form for"));
        LayerWriters.Add<RReLU>((layer, graph, name, x) => graph.Node(
            "LeakyRelu", name, [x], ("alpha", LayerWriters.Real((layer.lower + layer.upper) / 2))));
        LayerWriters.Add<Softmax>((softmax, graph, name, x) => graph.Node("Softmax", name, [x], ("axis", LayerWriters.Whole(softmax.dim))));
        LayerWriters.Add<LogSoftmax>(
            (softmax, graph, name, x) => graph.Node("LogSoftmax", name, [x], ("axis", LayerWriters.Whole(softmax.dim))));
        LayerWriters.Add<Softmax2d>((_, graph, name, x) => graph.Node("Softmax", name, [x], ("axis", LayerWriters.Whole(1))));
        LayerWriters.Add<GLU>((layer, graph, name, x) => layer.dim == 1
            ? Gated(graph, name, x)
            : throw new RefusedLayerException("halves another dimension than that of the channels"));
    }

    /// <summary>The exact one, x (erf(x / √2) + 1) / 2, which an operator of its own is in newer versions alone.</summary>
    private static string Gelu(GELU layer, GraphWriter graph, string name, string x)
    {
        if (layer.approximate == GELU.Approximate.tanh)
            return GeluByTanh(graph, name, x);
        var error = graph.Node("Erf", name + ".erf", [graph.Node("Div", name + ".scaled", [x, graph.Number(Math.Sqrt(2))])]);
        var product = graph.Node("Mul", name + ".product", [x, graph.Node("Add", name + ".sum", [error, graph.Number(1)])]);
        return graph.Node("Mul", name, [product, graph.Number(0.5)]);
    }

    /// <summary>x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.</summary>
    private static string GeluByTanh(GraphWriter graph, string name, string x)
    {
        var cube = graph.Node("Mul", name + ".cube", [graph.Node("Mul", name + ".square", [x, x]), x]);
        var inner = graph.Node("Add", name + ".inner", [x, graph.Node("Mul", name + ".small", [cube, graph.Number(0.044715)])]);
        var tangent = graph.Node(
            "Tanh", name + ".tanh", [graph.Node("Mul", name + ".scaled", [inner, graph.Number(Math.Sqrt(2 / Math.PI))])]);
        var product = graph.Node("Mul", name + ".product", [x, graph.Node("Add", name + ".sum", [tangent, graph.Number(1)])]);
        return graph.Node("Mul", name, [product, graph.Number(0.5)]);
    }

    /// <summary>log(1 + exp(b x)) / b. Above PyTorch's usual threshold that is x to rounding, below others it is not.</summary>
    private static string Softplus(Softplus layer, GraphWriter graph, string name, string x)
    {
        if (layer.threshold < LargeThreshold)
            throw new RefusedLayerException("is linear above a threshold, which ONNX has no form for; leave the threshold out");
        if (layer.beta == 1)
            return graph.Node("Softplus", name, [x]);
        var sharpness = graph.Number(layer.beta);
        var sharp = graph.Node("Softplus", name + ".sharp", [graph.Node("Mul", name + ".product", [x, sharpness])]);
        return graph.Node("Div", name, [sharp, sharpness]);
    }

    private static string Shrunk(GraphWriter graph, string name, string x, double bound, double bias) => graph.Node(
        "Shrink", name, [x], ("lambd", LayerWriters.Real(bound)), ("bias", LayerWriters.Real(bias)));

    /// <summary>The first half of the channels times the logistic function of the second.</summary>
    private static string Gated(GraphWriter graph, string name, string x)
    {
        var halves = graph.Several("Split", name + ".halves", [x], 2, ("axis", LayerWriters.Whole(1)));
        return graph.Node("Mul", name, [halves[0], graph.Node("Sigmoid", name + ".gate", [halves[1]])]);
    }
}
