using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Operators that see values in other dimensions.</summary>
internal static class Rearranging
{
    /// <summary>Reshape.</summary>
    public static OnnxValue Reshape(NodeContext node)
    {
        var target = node.Integers("shape") is { } old
            ? [.. old.Select(side => (Number)side)]
            : (Shapes.Row(node.Input(1)) ?? throw new RefusedNodeException("is told its shape by something that is not known")).Numbers;
        var keepsZero = node.Integer("allowzero", 0) == 0;
        switch (node.Input(0))
        {
            case ShapeValue row:
                return row with { IsScalar = target.Count == 0 };
            case ConstantValue constant:
                long[] known = [
                    .. target.Select((side, i) => side == 0 && keepsZero ? constant.Shape[i] : side.IsKnown ? side.Factor : throw Unknown())
                ];
                return Renamed(node, constant, x => x.reshape(known), known);
            case SmallValue small:
                return OfSmall(node, small, target, keepsZero);
            case MapValue map:
                var shape = map.Shape;
                if (target.Where((side, axis) => side == 0 && (!keepsZero || axis >= shape.Count)).Any())
                    throw new RefusedNodeException("asks for a dimension of 0");
                return Layout.Reshaped(map, [.. target.Select((side, axis) => side == 0 ? shape[axis] : side)]);
            default:
                throw new RefusedNodeException("is not applied to values");
        }

        static RefusedNodeException Unknown() => new("reshapes values of the file by the size of the image");
    }

    /// <summary>Flatten.</summary>
    public static OnnxValue Flatten(NodeContext node) => node.Input(0) switch
    {
        SmallValue small when NodeContext.Axis(node.Integer("axis", 1), small.Shape.Count + 1) == 1 =>
            node.Builder.Small("Flatten", (tensors, _) => tensors[0].flatten(1), [small]),
        MapValue when node.Integer("axis", 1) == 1 => throw new RefusedNodeException(
            "lays all positions of a map into one row, which binds the image's size; pool the map first, or import the part before it"),
        _ => throw new RefusedNodeException("is flattened from another axis than 1, which mixes images"),
    };

    /// <summary>Transpose.</summary>
    public static OnnxValue Transpose(NodeContext node)
    {
        var order = node.Integers("perm");
        switch (node.Input(0))
        {
            case MapValue map:
                return Layout.Transposed(map, order ?? [.. Enumerable.Range(0, map.Axes.Count).Reverse().Select(axis => (long)axis)]);
            case ConstantValue constant:
                long[] axes = order ?? [.. Enumerable.Range(0, constant.Shape.Count).Reverse().Select(axis => (long)axis)];
                return Renamed(
                    node,
                    constant,
                    x => x.permute(axes),
                    [.. axes.Select(axis => constant.Shape[(int)axis])],
                    x => x.permute([.. Enumerable.Range(0, axes.Length).Select(axis => (long)Array.IndexOf(axes, axis))]));
            case SmallValue small when order is [0, ..]:
                return node.Builder.Small("Transpose", (tensors, _) => tensors[0].permute(order), [small]);
            default:
                throw new RefusedNodeException("moves the axis of the images");
        }
    }

    /// <summary>Unsqueeze.</summary>
    public static OnnxValue Unsqueeze(NodeContext node)
    {
        var axes = node.IntegersOf("axes", 1) ?? throw new RefusedNodeException("names no axes");
        switch (node.Input(0))
        {
            case ShapeValue row when row.IsScalar && axes is [0 or -1]:
                return row with { IsScalar = false };
            case ConstantValue constant:
                var shape = Widened(constant.Shape, axes);
                return Renamed(node, constant, x => x.reshape(shape), shape);
            case SmallValue small:
                var wide = Widened(small.Shape, axes);
                return node.Builder.Small("Reshape", (tensors, _) => tensors[0].reshape(WithImages(wide, tensors[0])), [small]);
            case MapValue map:
                var all = map.Axes.ToList();
                foreach (var axis in axes.Select(axis => NodeContext.Axis(axis, map.Axes.Count + axes.Length)).Order())
                    all.Insert(axis, []);
                return map with { Axes = all };
            default:
                throw new RefusedNodeException("is not applied to values");
        }

        static long[] Widened(IReadOnlyList<long> shape, long[] axes)
        {
            var all = shape.ToList();
            foreach (var axis in axes.Select(axis => NodeContext.Axis(axis, shape.Count + axes.Length)).Order())
                all.Insert(axis, 1);
            return [.. all];
        }
    }

    /// <summary>Squeeze.</summary>
    public static OnnxValue Squeeze(NodeContext node)
    {
        var axes = node.IntegersOf("axes", 1);
        switch (node.Input(0))
        {
            case ShapeValue { Numbers.Count: 1 } row:
                return row with { IsScalar = true };
            case ConstantValue constant:
                var left = Narrowed(constant.Shape, axes);
                return Renamed(node, constant, x => x.reshape(left), left);
            case SmallValue small:
                var narrow = Narrowed(small.Shape, axes);
                return node.Builder.Small("Reshape", (tensors, _) => tensors[0].reshape(WithImages(narrow, tensors[0])), [small]);
            case MapValue map:
                var gone = (axes ?? throw new RefusedNodeException("names no axes"))
                    .Select(axis => NodeContext.Axis(axis, map.Axes.Count))
                    .ToHashSet();
                if (gone.Any(axis => map.Axes[axis].Length > 0))
                    throw new RefusedNodeException("drops an axis of a map that may be longer than 1");
                return map with { Axes = [.. map.Axes.Where((_, axis) => !gone.Contains(axis))] };
            default:
                throw new RefusedNodeException("is not applied to values");
        }

        static long[] Narrowed(IReadOnlyList<long> shape, long[]? axes)
        {
            var gone = axes?.Select(axis => NodeContext.Axis(axis, shape.Count)).ToHashSet();
            return gone?.Any(axis => shape[axis] != 1) == true
                ? throw new RefusedNodeException("drops a dimension that is not 1")
                : [.. shape.Where((side, axis) => gone?.Contains(axis) != true && (gone is not null || side != 1))];
        }
    }

    private static long[] WithImages(long[] shape, Tensor like) => [.. shape.Select(side => side == -1 ? like.shape[0] : side)];

    /// <summary>Values of the file in other dimensions, which go on being those of the initialiser.</summary>
    private static ConstantValue Renamed(
        NodeContext node, ConstantValue constant, Func<Tensor, Tensor> function, IReadOnlyList<long> shape, Func<Tensor, Tensor>? back =
            null)
    {
        var made = Constants.Applied(node, function, constant);
        if (!constant.Learns)
            return made;
        long[] original = [.. constant.Shape];
        node.Builder.Derived[constant.Name + "'"] = (constant.Name, back ?? (x => x.reshape(original)));
        return made with { Tensor = made.Tensor with { Name = constant.Name + "'", Shape = shape }, Learns = true };
    }

    private static SmallValue OfSmall(NodeContext node, SmallValue small, IReadOnlyList<Number> target, bool keepsZero)
    {
        long[] shape = [.. target.Select((side, axis) => side switch
        {
            _ when side == 0 && keepsZero && axis < small.Shape.Count => axis == 0 ? 0 : small.Shape[axis],
            _ when side.IsKnown => side.Factor,
            _ when side.Sides == Number.Batch && side.Factor == 1 => 0,
            _ => throw new RefusedNodeException("reshapes a small tensor by the size of the image"),
        })];
        var values = small.Shape.Skip(1).Aggregate(1L, (product, side) => product * side);
        // One image in the file stands for as many as there are.
        var rest = shape.Skip(1).ToArray();
        if (shape.Length > 0 && shape[0] == 1 && (rest.Contains(-1) || rest.Aggregate(1L, (product, side) => product * side) == values))
            shape[0] = 0;
        return node.Builder.Small(
            "Reshape",
            (tensors, _) => tensors[0].reshape([.. shape.Select((side, axis) => side == 0 && axis == 0 ? tensors[0].shape[0] : side)]),
            [small]);
    }
}
