using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Products with matrices of the file.</summary>
internal static class LinearLayers
{
    /// <summary>Gemm, of a small tensor and a matrix.</summary>
    public static OnnxValue Gemm(NodeContext node)
    {
        var (weight, bias) = (node.Constant(1), node.OptionalConstant(2));
        var isTransposed = node.Integer("transB", 0) != 0;
        var (alpha, beta) = (node.Real("alpha", 1), node.Real("beta", 1));
        if (node.Integer("transA", 0) != 0)
            throw new RefusedNodeException("transposes what it gets, images and values");
        if (node.Input(0) is not SmallValue small)
            throw new RefusedNodeException("is applied to all positions of a map; pool the map first, or import the part before it");
        if (alpha != 1 || (bias is not null && (beta != 1 || bias.Tensor.Count != Outputs(weight, isTransposed))))
            throw new RefusedNodeException("scales its product or has no bias for each output, which is not supported");
        return Linear(node, small, weight, bias, isTransposed);
    }

    /// <summary>MatMul, of the last axis of a map or a small tensor and a matrix, with the sum behind it if there is one.</summary>
    public static OnnxValue Product(NodeContext node)
    {
        var (a, b) = (node.Input(0), node.Optional(1));
        if (b is not ConstantValue weight)
        {
            return (a, b) is (SmallValue one, SmallValue other)
                ? node.Builder.Small("MatMul", (tensors, _) => tensors[0].matmul(tensors[1]), [one, other])
                : throw new RefusedNodeException(
                    "multiplies two maps with each other, as attention over the map does, which cannot be streamed");
        }

        if (weight.Shape.Count != 2)
            throw new RefusedNodeException($"multiplies with {weight.Shape.Count} dimensions; a matrix has 2");
        if (a is MapValue map && (map.ChannelAxis < 0 || map.ChannelAxis != map.Axes.Count - 1))
            throw new RefusedNodeException("multiplies along positions of the map, and not along channels, which cannot be streamed");
        if (a is not (MapValue or SmallValue))
            throw new RefusedNodeException("is applied to neither a map nor a small tensor");
        return Linear(node, a, weight, node.Inputs > 2 ? node.Constant(2) : null, isTransposed: false);
    }

    private static OnnxValue Linear(NodeContext node, OnnxValue input, ConstantValue weight, ConstantValue? bias, bool isTransposed)
    {
        if (weight.Shape.Count != 2)
            throw new RefusedNodeException($"multiplies with {weight.Shape.Count} dimensions; a matrix has 2");
        var (from, to) = isTransposed ? (weight.Shape[1], weight.Shape[0]) : (weight.Shape[0], weight.Shape[1]);
        var module = node.Shared(Make, isTransposed ? "t" : "", weight, bias);
        node.Keep(weight, () => isTransposed ? module.weight! : module.weight!.t());
        node.Keep(bias, () => module.bias!);
        return node.Builder.Through(input, module, node.ModuleName((weight, "weight"), (bias, "bias")));

        TorchSharp.Modules.Linear Make()
        {
            var made = nn.Linear(from, to, bias is not null);
            using var scope = NewDisposeScope();
            var values = weight.Tensor.ToTensor();
            Weights.Fill(made.weight!, isTransposed ? values : values.t(), weight.Name);
            Weights.Fill(made.bias, bias);
            return made;
        }
    }

    private static long Outputs(ConstantValue weight, bool isTransposed) =>
        weight.Shape.Count == 2 ? weight.Shape[isTransposed ? 0 : 1] : -1;
}
