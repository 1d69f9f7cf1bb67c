using StreamingCnn.Graph.Layers;
using StreamingCnn.Models;
using StreamingCnn.Onnx.Import.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Operators of two values at each position.</summary>
internal static class Arithmetic
{
    /// <summary>Add, Sub, Mul, Div, Pow, Min or Max.</summary>
    public static OnnxValue Binary(NodeContext node, BinaryOperation operation)
    {
        if (node.Inputs != 2)
            return Several(node, operation);
        return Binary(node, operation, node.Input(0), node.Input(1));
    }

    /// <summary>Of any number of values, one after the other.</summary>
    private static OnnxValue Several(NodeContext node, BinaryOperation operation)
    {
        var values = Enumerable.Range(0, node.Inputs).Select(node.Input);
        return values.Aggregate((a, b) => Binary(node, operation, a, b));
    }

    private static OnnxValue Binary(NodeContext node, BinaryOperation operation, OnnxValue a, OnnxValue b) => (a, b) switch
    {
        (ConstantValue one, ConstantValue other) => Constants.Folded(node, both => operation.Function(both[0], both[1]), one, other),
        (ShapeValue, _) or (_, ShapeValue) => Shapes.Computed(operation.Operator, a, b),
        (MapValue one, MapValue other) => Maps(node, operation, one, other),
        (MapValue map, ConstantValue constant) => WithConstant(node, operation, map, constant),
        (ConstantValue constant, MapValue map) => WithConstant(node, operation.Swapped, map, constant),
        (MapValue map, SmallValue small) => WithSmall(node, operation, map, small),
        (SmallValue small, MapValue map) => WithSmall(node, operation.Swapped, map, small),
        (SmallValue one, SmallValue other) => node.Builder.Small(
            operation.Operator, (tensors, _) => operation.Function(tensors[0], tensors[1]), [one, other]),
        (SmallValue small, ConstantValue constant) => WithConstant(node, operation, small, constant),
        (ConstantValue constant, SmallValue small) => WithConstant(node, operation.Swapped, small, constant),
        _ => throw new RefusedNodeException("joins values that cannot be joined"),
    };

    private static MapValue Maps(NodeContext node, BinaryOperation operation, MapValue a, MapValue b)
    {
        if (!a.IsLaidOutAs(b))
            (a, b) = (node.Plain(a), node.Plain(b));
        var (larger, smaller) = a.Channels >= b.Channels ? (a, b) : (b, a);
        if (smaller.Channels != larger.Channels && smaller.Channels != 1)
            throw new RefusedNodeException($"joins maps of {a.Channels} and {b.Channels} channels");
        if (a.Size.Height is { } height && b.Size.Height is { } other && height != other)
            throw new RefusedNodeException($"joins maps of different heights, {height} and {other} in the file");
        return node.Builder.Map(
            larger with { Slot = a.Slot },
            larger.Channels,
            values => (operation.Operator, a.Channels == b.Channels) switch
            {
                ("Add", true) => (FeatureMap)values[0] + (FeatureMap)values[1],
                ("Mul", true) => (FeatureMap)values[0] * (FeatureMap)values[1],
                _ => ((FeatureMap)values[0]).AtEachPosition(
                    operation.Operator,
                    (maps, _) => operation.Function(maps[0], maps[1]),
                    [(FeatureMap)values[1]],
                    kept: operation.Kept),
            },
            b);
    }

    private static MapValue WithConstant(NodeContext node, BinaryOperation operation, MapValue map, ConstantValue constant)
    {
        var numbers = Layout.OfChannels(map, constant.Shape, constant.Numbers());
        if (Weights.AreTrained(constant) && operation.Operator == "Mul" && IsOfChannels(map, constant))
            return Factors(node, map, constant);
        if (Weights.AreTrained(constant) && numbers.Length == constant.Tensor.Count)
        {
            var find = Parameter(node, constant);
            return node.Builder.Layer(map, new ChannelValues(operation.Operator, find, operation.Function, operation.Kept), node.Name);
        }

        if (Weights.AreTrained(constant))
        {
            throw new RefusedNodeException(
                $"has {constant.Tensor.Count} values in '{constant.Name}' for {map.Channels} channels, which could not be trained");
        }

        return node.Builder.Map(
            map,
            map.Channels,
            values => ((FeatureMap)values[0]).AtEachPosition(
                operation.Operator,
                (maps, _) =>
                {
                    using var laid = tensor(numbers, maps[0].dtype, maps[0].device);
                    using var shaped = laid.reshape(-1, 1, 1);
                    return operation.Function(maps[0], shaped);
                },
                kept: operation.Kept));
    }

    /// <summary>
    /// A factor for each channel. One that has the node's name is that of a module, as it is written; others belong to a block.
    /// </summary>
    private static MapValue Factors(NodeContext node, MapValue map, ConstantValue constant)
    {
        if (ModuleOf(node, constant) is { } module)
        {
            var scale = node.Shared(() => new ChannelScale(map.Channels), "", constant);
            Weights.Fill(scale.Weight, constant);
            long[] shape = [.. constant.Shape];
            node.Keep(constant, () => scale.Weight.reshape(shape));
            return (MapValue)node.Builder.Through(map, scale, module);
        }

        var find = Parameter(node, constant);
        return node.Builder.Map(map, map.Channels, values =>
        {
            var input = (FeatureMap)values[0];
            return input.Builder.Add(new ChannelFactorLayer(find()), [input], node.Name);
        });
    }

    /// <summary>The module whose weight it is: that of the node's name, which has a number where it runs again; null for none.</summary>
    private static string? ModuleOf(NodeContext node, ConstantValue constant)
    {
        const string End = ".weight";
        if (!constant.Name.EndsWith(End, StringComparison.Ordinal))
            return null;
        var module = constant.Name[..^End.Length];
        return node.Name == module || node.Name.StartsWith(module + "_", StringComparison.Ordinal) ? module : null;
    }

    private static bool IsOfChannels(MapValue map, ConstantValue constant) =>
        map.IsPlain && constant.Tensor.Count == map.Channels && constant.Shape is [_, 1, 1] or [1, _, 1, 1];

    private static SmallValue WithConstant(NodeContext node, BinaryOperation operation, SmallValue small, ConstantValue constant)
    {
        if (Weights.AreTrained(constant))
        {
            var find = Parameter(node, constant);
            long[] shape = [.. constant.Shape];
            return node.Builder.Small(
                operation.Operator, (tensors, parameters) => operation.Function(tensors[0], parameters[0].reshape(shape)), [small], find);
        }

        var (numbers, sides) = (constant.Numbers(), constant.Shape.ToArray());
        return node.Builder.Small(
            operation.Operator,
            (tensors, _) => operation.Function(tensors[0], tensor(numbers, tensors[0].dtype, tensors[0].device).reshape(sides)),
            [small]);
    }

    /// <summary>A small tensor at each position: of images and channels, laid out as the map is.</summary>
    private static MapValue WithSmall(NodeContext node, BinaryOperation operation, MapValue map, SmallValue small)
    {
        if (map.ChannelAxis < 0)
            map = node.Plain(map);
        long[] shape = [.. Enumerable.Repeat(1L, Math.Max(0, map.Axes.Count - small.Shape.Count)), .. small.Shape];
        if (shape.Length != map.Axes.Count
            || map.Axes[0] is not [{ Kind: AtomKind.Images }]
            || shape.Where((side, axis) => axis != map.ChannelAxis && axis != 0 && side != 1).Any()
            || shape[0] is not (-1 or 1))
        {
            throw new RefusedNodeException($"joins a map with a small tensor of the shape [{string.Join(", ", small.Shape)}]");
        }

        var channels = shape[map.ChannelAxis];
        if (channels != 1 && channels != map.Channels)
            throw new RefusedNodeException($"joins a map of {map.Channels} channels with values for {channels}");
        var laid = small.Shape.Count == 4 && map.ChannelAxis == 1
            ? small
            : node.Builder.Small("Reshape", (tensors, _) => tensors[0].reshape(shape[0], channels), [small]);
        switch (operation.Operator)
        {
            case "Mul":
                return node.Builder.Map(map, map.Channels, values => ((FeatureMap)values[0]).Scale((GlobalTensor)values[1]), laid);
            case "Add":
                return node.Builder.Map(map, map.Channels, values => ((FeatureMap)values[0]).Shift((GlobalTensor)values[1]), laid);
            case "Sub" when !operation.IsSwapped:
                laid = node.Builder.Small("Neg", (tensors, _) => tensors[0].neg(), [laid]);
                return node.Builder.Map(map, map.Channels, values => ((FeatureMap)values[0]).Shift((GlobalTensor)values[1]), laid);
            case "Div" when !operation.IsSwapped:
                laid = node.Builder.Small("Reciprocal", (tensors, _) => tensors[0].reciprocal(), [laid]);
                return node.Builder.Map(map, map.Channels, values => ((FeatureMap)values[0]).Scale((GlobalTensor)values[1]), laid);
            default:
                return node.Builder.Map(
                    map,
                    map.Channels,
                    values => ((FeatureMap)values[0]).AtEachPosition(
                        operation.Operator,
                        (maps, smalls) => operation.Function(maps[0], smalls[0]),
                        smalls: [(GlobalTensor)values[1]],
                        kept: operation.Kept),
                    laid);
        }
    }

    private static Func<Parameter> Parameter(NodeContext node, ConstantValue constant)
    {
        if (node.Builder.Parameters.TryGetValue(constant.Name, out var known))
            return known;
        var find = node.Builder.Tree.Add(constant.Name, constant.Tensor.ToTensor());
        node.Builder.Parameters[constant.Name] = find;
        node.Keep(constant, find);
        return find;
    }
}
