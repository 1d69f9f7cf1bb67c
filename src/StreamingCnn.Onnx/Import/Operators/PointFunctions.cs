using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Functions of single values.</summary>
internal static class PointFunctions
{
    /// <summary>Those that are a module.</summary>
    public static OnnxValue Of(NodeContext node, Func<NodeContext, Module<Tensor, Tensor>> make) => node.Input(0) switch
    {
        ConstantValue => Function(node, make(node).forward),
        var input => node.Builder.Through(input, make(node), node.Name),
    };

    /// <summary>Those that are none.</summary>
    /// <param name="node">The node.</param>
    /// <param name="function">The function, which may not change its argument.</param>
    /// <param name="kept">Maps that autograd keeps of it besides input and output.</param>
    public static OnnxValue Function(NodeContext node, Func<Tensor, Tensor> function, int kept = 0) => node.Input(0) switch
    {
        MapValue map => node.Builder.Map(
            map,
            map.Channels,
            values => ((FeatureMap)values[0]).AtEachPosition(node.Node.Operator, (maps, _) => function(maps[0]), kept: kept)),
        SmallValue small => node.Builder.Small(node.Node.Operator, (tensors, _) => function(tensors[0]), [small]),
        ConstantValue constant => Constants.Applied(node, function, constant),
        _ => throw new RefusedNodeException("is applied to sizes"),
    };

    /// <summary>Clip, whose bounds became inputs in version 11.</summary>
    public static OnnxValue Clip(NodeContext node)
    {
        var smallest = node.OptionalConstant(1)?.Numbers()[0] ?? node.Real("min", double.NegativeInfinity);
        var largest = node.OptionalConstant(2)?.Numbers()[0] ?? node.Real("max", double.PositiveInfinity);
        return (smallest, largest) switch
        {
            (0, 6) => Of(node, _ => ReLU6()),
            (0, double.PositiveInfinity) => Of(node, _ => ReLU()),
            _ => Function(node, x => x.Between(smallest, largest), kept: 1),
        };
    }

    /// <summary>HardSigmoid; PyTorch's own has a slope of a sixth.</summary>
    public static OnnxValue HardSigmoid(NodeContext node)
    {
        var (alpha, beta) = (node.Real("alpha", 0.2f), node.Real("beta", 0.5));
        return Math.Abs(alpha - (1.0 / 6)) < 1e-6 && beta == 0.5
            ? Of(node, _ => Hardsigmoid())
            : Function(node, x => x.Times(alpha).Plus(beta).Between(0, 1), kept: 1);
    }

    /// <summary>Shrink, as PyTorch's two have it.</summary>
    public static OnnxValue Shrink(NodeContext node)
    {
        var (bound, bias) = (node.Real("lambd", 0.5), node.Real("bias", 0));
        return bias == 0 ? Of(node, _ => Hardshrink(bound))
            : bias == bound ? Of(node, _ => Softshrink(bound))
            : throw new RefusedNodeException(
                $"shrinks by {bias} from {bound} on, which is not supported; the two are equal, or the first is 0");
    }

    /// <summary>PRelu: a slope for each channel.</summary>
    public static OnnxValue PRelu(NodeContext node)
    {
        var slope = node.Constant(1);
        if (node.Input(0) is MapValue map
            && slope.Tensor.Count > 1
            && Layout.OfChannels(map, slope.Shape, slope.Numbers()).Length != slope.Tensor.Count)
            throw new RefusedNodeException("has slopes that are not one for each channel");
        var module = PReLU(slope.Tensor.Count);
        Weights.Fill(module.weight!, slope);
        node.Keep(slope, () => module.weight!.reshape([.. slope.Shape]));
        return node.Builder.Through(node.Input(0) is MapValue ? node.Map(0) : node.Input(0), module, node.ModuleName((slope, "weight")));
    }

    /// <summary>Gelu, exact or by a hyperbolic tangent.</summary>
    public static OnnxValue Gelu(NodeContext node) => node.Text("approximate", "none") == "none"
        ? Of(node, _ => GELU())
        : Function(node, x => x.Times(0.5) * x.Plus(x.Power(3).Times(0.044715)).Times(Math.Sqrt(2 / Math.PI)).tanh().Plus(1.0), kept: 6);

    /// <summary>Softmax and LogSoftmax over channels. Before version 13 they took all dimensions from one on together.</summary>
    public static OnnxValue Softmax(NodeContext node, bool isLog)
    {
        var axis = node.Integer("axis", node.Opset < 13 ? 1 : -1);
        switch (node.Input(0))
        {
            case SmallValue small:
                var dimension = NodeContext.Axis(axis, small.Shape.Count);
                if (dimension == 0 || (node.Opset < 13 && small.Shape.Skip(dimension + 1).Any(side => side != 1)))
                    throw new RefusedNodeException("runs over several dimensions, or over images");
                return node.Builder.Small(
                    node.Node.Operator,
                    (tensors, _) => isLog ? functional.log_softmax(tensors[0], dimension) : functional.softmax(tensors[0], dimension),
                    [small]);
            case MapValue map when map.ChannelAxis >= 0
                && NodeContext.Axis(axis, map.Axes.Count) == map.ChannelAxis
                && (node.Opset >= 13 || map.ChannelAxis == map.Axes.Count - 1):
                return node.Builder.Through(map, isLog ? LogSoftmax(1) : nn.Softmax(1), node.Name);
            case MapValue:
                throw new RefusedNodeException("runs over positions of the map, or over more than channels, which is not supported");
            default:
                throw new RefusedNodeException("is not applied to a map");
        }
    }
}
