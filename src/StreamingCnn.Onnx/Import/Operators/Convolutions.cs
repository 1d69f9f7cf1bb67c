using StreamingCnn.Graph;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Convolutions and their transposes.</summary>
internal static class Convolutions
{
    /// <summary>Conv.</summary>
    public static OnnxValue Convolution(NodeContext node) => Convolution(node, isStandardised: false);

    /// <summary>A convolution of a map whose weights are standardised.</summary>
    public static OnnxValue Standardised(NodeContext node) => Convolution(node, isStandardised: true);

    private static OnnxValue Convolution(NodeContext node, bool isStandardised)
    {
        var (weight, bias) = (node.Constant(1), node.OptionalConstant(2));
        if (weight.Shape.Count == 3 && node.Input(0) is SmallValue line)
            return AlongLine(node, line, weight, bias);
        if (weight.Shape.Count != 4)
            throw new RefusedNodeException($"has weights of {weight.Shape.Count} dimensions; networks of images have 4");
        var input = node.Input(0) is SmallValue small ? small : (OnnxValue)node.Map(0);
        var window = Window.Of(node, (weight.Shape[2], weight.Shape[3]));
        var groups = node.Integer("group", 1);
        if (groups < 1 || weight.Shape[0] % groups != 0)
            throw new RefusedNodeException($"divides {weight.Shape[0]} channels into {groups} groups");
        // A small tensor is a map of one position: the padding is all that its border can be.
        var (padded, own) = window.Pad(node, input, 0, node.Name);
        var module = node.Shared(Make, $"{groups}|{window}", weight, bias);
        if (!isStandardised)
            return node.Through(padded, module, weight, bias);
        return padded is MapValue map
            ? node.Standardised(map, module, weight, bias)
            : throw new RefusedNodeException("standardises the weights of a convolution of a small tensor");

        Conv2d Make()
        {
            var made = Conv2d(
                weight.Shape[1] * groups,
                weight.Shape[0],
                (weight.Shape[2], weight.Shape[3]),
                window.Stride,
                own,
                window.Dilation,
                PaddingModes.Zeros,
                groups,
                bias is not null);
            Weights.Fill(made.weight!, weight);
            Weights.Fill(made.bias, bias);
            return made;
        }
    }

    /// <summary>ConvTranspose.</summary>
    public static OnnxValue Transposed(NodeContext node)
    {
        var (weight, bias) = (node.Constant(1), node.OptionalConstant(2));
        if (weight.Shape.Count != 4)
            throw new RefusedNodeException($"has weights of {weight.Shape.Count} dimensions; networks of images have 4");
        var input = node.Map(0);
        var window = Window.Of(node, (weight.Shape[2], weight.Shape[3]));
        if (node.Integers("output_shape") is not null || window.IsSame)
            throw new RefusedNodeException("is told its output's size, and not its padding; export it with pads and output_padding");
        var (groups, rest) = (node.Integer("group", 1), node.Integers("output_padding") ?? [0, 0]);
        if (rest.Length != 2)
            throw new RefusedNodeException($"has {rest.Length} output paddings; networks of images have 2");
        if (groups < 1 || weight.Shape[0] % groups != 0)
            throw new RefusedNodeException($"divides {weight.Shape[0]} channels into {groups} groups");
        // Uneven pads and output paddings are a crop of what comes out without: at most a kernel more than there is.
        var isEven = window.IsSymmetric && rest[0] == rest[1];
        var own = isEven ? window.Symmetric : (0, 0);
        var module = node.Shared(Make, $"{groups}|{window}|{rest[0]},{rest[1]}", weight, bias);
        var map = node.Through(input, module, weight, bias);
        if (isEven)
            return map;
        if (rest.Any(extra => extra > 0))
            throw new RefusedNodeException($"has the output padding [{string.Join(", ", rest)}] beside uneven pads; give equal ones");
        return node.Builder.Through(
            map, ZeroPad2d((-window.Left, -window.Right, -window.Top, -window.Bottom)), node.Name + ".crop");

        ConvTranspose2d Make()
        {
            var made = ConvTranspose2d(
                weight.Shape[0],
                weight.Shape[1] * groups,
                (weight.Shape[2], weight.Shape[3]),
                window.Stride,
                own,
                isEven ? (rest[0], rest[1]) : (0, 0),
                window.Dilation,
                PaddingModes.Zeros,
                groups,
                bias is not null);
            Weights.Fill(made.weight!, weight);
            Weights.Fill(made.bias, bias);
            return made;
        }
    }

    /// <summary>A convolution along the channels of a small tensor, as in efficient channel attention.</summary>
    private static SmallValue AlongLine(NodeContext node, SmallValue input, ConstantValue weight, ConstantValue? bias)
    {
        var (pads, strides) = (node.Integers("pads") ?? [0, 0], node.Integers("strides") ?? [1]);
        var (dilations, groups) = (node.Integers("dilations") ?? [1], node.Integer("group", 1));
        if (pads[0] != pads[1] || node.Text("auto_pad", "NOTSET") is not ("NOTSET" or "VALID"))
            throw new RefusedNodeException("pads the two ends of a line differently; use the same padding");
        var made = Conv1d(
            weight.Shape[1] * groups,
            weight.Shape[0],
            weight.Shape[2],
            strides[0],
            pads[0],
            dilations[0],
            PaddingModes.Zeros,
            groups,
            bias is not null);
        Weights.Fill(made.weight!, weight);
        Weights.Fill(made.bias, bias);
        return (SmallValue)node.Through(input, made, weight, bias);
    }
}
