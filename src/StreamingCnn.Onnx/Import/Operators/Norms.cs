using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Norms.</summary>
internal static class Norms
{
    /// <summary>BatchNormalization, which stays one, with the file's running statistics.</summary>
    public static OnnxValue Batch(NodeContext node)
    {
        ConstantValue[] weights = [node.Constant(1), node.Constant(2), node.Constant(3), node.Constant(4)];
        if (node.Integer("training_mode", 0) != 0)
            throw new RefusedNodeException("takes the statistics of what goes through; export the network in evaluation mode");
        var (eps, momentum) = (node.Real("epsilon", 1e-5), node.Real("momentum", 0.9));
        var features = weights[0].Tensor.Count;
        var isOfRows = node.Input(0) is SmallValue { Shape.Count: 2 or 3 };
        var module = node.Shared<Module<Tensor, Tensor>>(Make, $"{eps}|{momentum}|{isOfRows}", weights);
        var norm = (NormBase)module;
        node.Keep(weights[0], () => norm.weight!);
        node.Keep(weights[1], () => norm.bias!);
        node.Keep(weights[2], () => norm.running_mean!);
        node.Keep(weights[3], () => norm.running_var!);
        var name = node.ModuleName((weights[0], "weight"), (weights[1], "bias"), (weights[2], "running_mean"), (weights[3], "running_var"));
        return node.Builder.Through(node.Input(0) is SmallValue small ? small : node.Map(0), module, name);

        Module<Tensor, Tensor> Make()
        {
            // ONNX counts what stays, PyTorch what comes.
            NormBase made = isOfRows ? BatchNorm1d(features, eps, 1 - momentum) : BatchNorm2d(features, eps, 1 - momentum);
            Weights.Fill(made.weight, weights[0]);
            Weights.Fill(made.bias, weights[1]);
            Weights.Fill(made.running_mean, weights[2]);
            Weights.Fill(made.running_var, weights[3]);
            made.eval();
            return (Module<Tensor, Tensor>)made;
        }
    }

    /// <summary>InstanceNormalization; of channels laid together it is a group norm.</summary>
    public static OnnxValue Instance(NodeContext node)
    {
        var (weight, bias, eps) = (node.Constant(1), node.Constant(2), node.Real("epsilon", 1e-5));
        if (node.Input(0) is not MapValue map)
            throw new RefusedNodeException("is not applied to a map of rows and columns");
        if (Layout.Plain(map, node.Builder) is { } plain)
        {
            var norm = InstanceNorm2d(plain.Channels, eps, affine: true);
            return Named(node, plain, norm, norm.weight!, norm.bias!, weight, bias);
        }

        // Groups of channels, each laid out together with all positions.
        var laid = map.Axes.Skip(2).SelectMany(axis => axis).Where(atom => atom.Kind != AtomKind.Channels || atom.Count > 1).ToArray();
        var order = laid.Select(atom => atom.Kind).ToArray();
        if (map.Axes.Count < 3
            || map.Axes[0] is not [{ Kind: AtomKind.Images }]
            || map.Axes[1] is not [{ Kind: AtomKind.Channels, Place: 0 } groups]
            || !(order is [AtomKind.Channels, AtomKind.Rows, AtomKind.Columns] or [AtomKind.Rows, AtomKind.Columns]))
        {
            throw new RefusedNodeException("normalises a map that was reshaped or transposed in a way that is not supported");
        }

        if (weight.Numbers().Any(value => value != 1) || bias.Numbers().Any(value => value != 0))
            throw new RefusedNodeException("has weights for groups of channels; give them for channels");
        return node.Builder.Through(map, GroupNorm(groups.Count, map.Channels, eps, affine: false), node.Name);
    }

    /// <summary>GroupNormalization.</summary>
    public static OnnxValue Group(NodeContext node)
    {
        var (weight, bias, eps) = (node.Constant(1), node.Constant(2), node.Real("epsilon", 1e-5));
        var map = node.Map(0);
        var groups = node.Integer("num_groups", 1);
        var norm = GroupNorm(groups, map.Channels, eps);
        if (weight.Tensor.Count == map.Channels)
            return Named(node, map, norm, norm.weight!, norm.bias!, weight, bias);
        // Before version 21 there was a value for each group.
        node.Builder.WithoutInitialiser.Add(node.Name);
        using var scope = NewDisposeScope();
        Weights.Fill(norm.weight!, weight.Tensor.ToTensor().repeat_interleave(map.Channels / groups), weight.Name);
        Weights.Fill(norm.bias!, bias.Tensor.ToTensor().repeat_interleave(map.Channels / groups), bias.Name);
        return node.Builder.Through(map, norm, node.Name);
    }

    /// <summary>LayerNormalization over the channels of each position, or of a small tensor.</summary>
    public static OnnxValue Layer(NodeContext node)
    {
        var (weight, bias, eps) = (node.Constant(1), node.OptionalConstant(2), node.Real("epsilon", 1e-5));
        var input = node.Input(0);
        var axis = node.Integer("axis", -1);
        if (input is MapValue map && (map.ChannelAxis != map.Axes.Count - 1 || NodeContext.Axis(axis, map.Axes.Count) != map.ChannelAxis))
            throw new RefusedNodeException(
                "normalises over more than the channels of each position; for groups of channels use a group norm");
        if (input is SmallValue small && NodeContext.Axis(axis, small.Shape.Count) != small.Shape.Count - 1)
            throw new RefusedNodeException("normalises over several dimensions of a small tensor, which is not supported");
        var norm = LayerNorm(weight.Tensor.Count, eps, elementwise_affine: true, bias: bias is not null);
        Weights.Fill(norm.weight, weight);
        Weights.Fill(norm.bias, bias);
        return node.Through(input, norm, weight, bias);
    }

    /// <summary>A global response norm that was put together again.</summary>
    public static OnnxValue Response(NodeContext node)
    {
        var (weight, bias) = (node.Constant(1), node.Constant(2));
        if (node.Input(0) is not MapValue { Axes.Count: 4 } map || map.ChannelAxis != node.Integer("axis", 1))
            throw new RefusedNodeException("is not applied to a map of images, channels, rows and columns");
        var norm = new GlobalResponseNorm(map.Channels, node.Real("epsilon", 1e-6));
        return Named(node, map, norm, norm.Weight, norm.Bias, weight, bias);
    }

    private static OnnxValue Named(
        NodeContext node,
        MapValue map,
        Module<Tensor, Tensor> norm,
        Parameter own,
        Parameter ownBias,
        ConstantValue weight,
        ConstantValue bias)
    {
        Weights.Fill(own, weight);
        Weights.Fill(ownBias, bias);
        return node.Through(map, norm, weight, bias);
    }
}
