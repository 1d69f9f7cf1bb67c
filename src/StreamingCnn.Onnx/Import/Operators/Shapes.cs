using StreamingCnn.Onnx.Format;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Arithmetic with the sizes of maps, which is done once, while the file is read.</summary>
internal static class Shapes
{
    // Each is a layer of its own.
    private const int MostPicked = 4096;

    /// <summary>Shape.</summary>
    public static OnnxValue Shape(NodeContext node)
    {
        IReadOnlyList<Number> shape = node.Input(0) switch
        {
            MapValue map => map.Shape,
            SmallValue small => [.. small.Shape.Select(side => side == -1 ? Number.Of(Number.Batch, null) : side)],
            ConstantValue constant => [.. constant.Shape.Select(side => (Number)side)],
            ShapeValue numbers => [numbers.Numbers.Count],
            _ => throw new RefusedNodeException("is of something without a shape"),
        };
        var (start, end) = (Clamped(node.Integer("start", 0), shape.Count), Clamped(node.Integer("end", shape.Count), shape.Count));
        return new ShapeValue([.. shape.Skip(start).Take(end - start)], IsScalar: false);
    }

    /// <summary>Gather: some of a row of numbers, or channels of a map.</summary>
    public static OnnxValue Gather(NodeContext node)
    {
        var (input, axis) = (node.Ordered(0), node.Integer("axis", 0));
        if (Row(input) is { } row && Row(node.Input(1)) is { } which && which.Numbers.All(number => number.IsKnown))
        {
            return new ShapeValue(
                [.. which.Numbers.Select(number => row.Numbers[NodeContext.Axis(number.Factor, row.Numbers.Count)])],
                which.IsScalar);
        }

        var indices = node.Constant(1);
        long[] numbers = indices.Integers();
        switch (input)
        {
            case ConstantValue constant:
                var dimension = NodeContext.Axis(axis, constant.Shape.Count);
                return Constants.Folded(
                    node,
                    both => Picked(both[0], dimension, both[1]),
                    constant,
                    indices);
            case MapValue map
                when map.ChannelAxis >= 0 && NodeContext.Axis(axis, map.Axes.Count) == map.ChannelAxis && indices.Shape.Count == 1:
                var order = numbers.Select(number => (long)NodeContext.Axis(number, (int)map.Channels)).ToArray();
                if (order.Length == map.Channels)
                    return Layout.Permuted(map, order, node.Builder);
                if (order.Length > MostPicked)
                    throw new RefusedNodeException($"picks {order.Length} channels one by one; {MostPicked} are allowed");
                return node.Builder.Map(
                    map,
                    order.Length,
                    values => FeatureMap.Concat([.. order.Select(channel => ((FeatureMap)values[0]).Slice(channel, 1))]));
            case SmallValue small when NodeContext.Axis(axis, small.Shape.Count) is > 0 and var at:
                return node.Builder.Small(
                    "Gather",
                    (tensors, _) =>
                    {
                        using var index = tensor(numbers, device: tensors[0].device);
                        var picked = tensors[0].index_select(at, index);
                        return indices.Shape.Count == 0 ? picked.squeeze(at) : picked;
                    },
                    [small]);
            default:
                throw new RefusedNodeException("picks positions of a map, or images");
        }
    }

    /// <summary>Numbers of a sum, product and the like of sizes.</summary>
    public static OnnxValue Computed(string name, OnnxValue a, OnnxValue b)
    {
        if (Row(a) is not { } one || Row(b) is not { } other)
            throw new RefusedNodeException("computes with sizes and something else");
        var count = Math.Max(one.Numbers.Count, other.Numbers.Count);
        return new ShapeValue(
            [.. Enumerable.Range(0, count).Select(i => Of(At(one, i), At(other, i)))],
            one.IsScalar && other.IsScalar);

        static Number At(ShapeValue of, int i) => of.Numbers.Count == 1 ? of.Numbers[0] : of.Numbers[i];

        Number Of(Number x, Number y) => name switch
        {
            "Mul" => x * y,
            "Div" => x.Over(y) ?? throw Refused(x, y),
            "Add" when x.IsKnown && y.IsKnown => x.Factor + y.Factor,
            "Sub" when x.IsKnown && y.IsKnown => x.Factor - y.Factor,
            "Add" when x.Sides == y.Sides => x with { Factor = x.Factor + y.Factor, InFile = x.InFile + y.InFile },
            "Sub" when x == y => 0,
            _ => throw Refused(x, y),
        };

        RefusedNodeException Refused(Number x, Number y) => new($"computes a size ({x} and {y}) that is not the same for every image");
    }

    /// <summary>Numbers in a row, where that is what a value is.</summary>
    public static ShapeValue? Row(OnnxValue value) => value switch
    {
        ShapeValue shape => shape,
        ConstantValue { Tensor: { Type: OnnxType.Int64 or OnnxType.Int32, Count: < 1024 }, Shape.Count: < 2 } constant =>
            new([.. constant.Integers().Select(number => (Number)number)], constant.Shape.Count == 0),
        _ => null,
    };

    /// <summary>An index as slices have it: counted from the end where it is negative, and within bounds.</summary>
    public static int Clamped(long index, long count) => (int)Math.Clamp(index < 0 ? index + count : index, 0, count);

    private static Tensor Picked(Tensor from, int dimension, Tensor indices)
    {
        var shape = from.shape;
        // Some count from the end.
        long[] places = [.. indices.reshape(-1).data<long>().Select(place => (long)NodeContext.Axis(place, (int)shape[dimension]))];
        var flat = from.index_select(dimension, tensor(places));
        return flat.reshape([.. shape[..dimension], .. indices.shape, .. shape[(dimension + 1)..]]);
    }
}
