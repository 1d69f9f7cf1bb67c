using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Means, sums and maxima over axes.</summary>
internal static class AxisReductions
{
    /// <summary>ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceL1, ReduceL2, ReduceSumSquare.</summary>
    public static OnnxValue Of(NodeContext node)
    {
        var keeps = node.Integer("keepdims", 1) != 0;
        var kind = node.Node.Operator["Reduce".Length..];
        var given = node.IntegersOf("axes", 1);
        switch (node.Input(0))
        {
            case ConstantValue constant:
                long[] all = given ?? [.. Enumerable.Range(0, constant.Shape.Count).Select(axis => (long)axis)];
                return Constants.Applied(node, x => Computed(kind, x, all, keeps), constant);
            case SmallValue small:
                var axes = (given ?? throw new RefusedNodeException("reduces all axes, images as well"))
                    .Select(axis => (long)NodeContext.Axis(axis, small.Shape.Count)).ToArray();
                return axes.Contains(0)
                    ? throw new RefusedNodeException("reduces over images")
                    : node.Builder.Small(node.Node.Operator, (tensors, _) => Computed(kind, tensors[0], axes, keeps), [small]);
            case MapValue map:
                return OfMap(node, map, kind, given, keeps);
            default:
                throw new RefusedNodeException("reduces sizes");
        }
    }

    private static Tensor Computed(string kind, Tensor x, long[] axes, bool keeps) => kind switch
    {
        "Mean" => x.mean(axes, keeps),
        "Sum" => x.sum(axes, keeps),
        "Max" => x.amax(axes, keeps),
        "Min" => x.amin(axes, keeps),
        "L1" => x.abs().sum(axes, keeps),
        "L2" => Root(x.Squared().sum(axes, keeps)),
        "SumSquare" => x.Squared().sum(axes, keeps),
        _ => throw new RefusedNodeException("is a reduction that is not supported"),
    };

    /// <summary>
    /// The root of a sum of squares. As a norm's, its gradient is 0 where the norm is; that of the root would be infinite.
    /// </summary>
    private static Tensor Root(Tensor squares)
    {
        var isZero = squares.logical_not();
        return squares.FilledWhere(isZero, 1).sqrt().FilledWhere(isZero, 0);
    }

    private static OnnxValue OfMap(NodeContext node, MapValue map, string kind, long[]? given, bool keeps)
    {
        var axes = (given ?? throw new RefusedNodeException("reduces all axes, images as well"))
            .Select(axis => NodeContext.Axis(axis, map.Axes.Count)).ToHashSet();
        var atoms = axes.SelectMany(axis => map.Axes[axis]).ToArray();
        var ofChannels = atoms.Where(atom => atom.Kind == AtomKind.Channels).Sum(_ => 1);
        var allChannels = map.Axes.SelectMany(axis => axis).Count(atom => atom.Kind == AtomKind.Channels);
        var (rows, columns) = (atoms.Any(atom => atom.Kind == AtomKind.Rows), atoms.Any(atom => atom.Kind == AtomKind.Columns));
        if (atoms.Any(atom => atom.Kind == AtomKind.Images))
            throw new RefusedNodeException("reduces over images");
        if (rows != columns)
            throw new RefusedNodeException("reduces over rows or columns alone, which is not supported");
        if (ofChannels != 0 && ofChannels != allChannels)
            throw new RefusedNodeException("reduces over a part of the channels, which is not supported");
        if (!rows)
            return keeps
                ? OverChannels(node, map, kind)
                : throw new RefusedNodeException("drops the axis of the channels; keep it (keepdims)");

        // What is left is in the map's order, with or without what was reduced.
        if (map.Axes[0] is not [{ Kind: AtomKind.Images }] || map.ChannelAxis < 0)
            throw new RefusedNodeException("reduces a map that was reshaped or transposed in a way that is not supported");
        var pooled = OverPositions(node, map, kind);
        var shape = map.Axes.Select((_, axis) => axis == 0 ? -1 : axis == map.ChannelAxis ? map.Channels : 1).ToArray();
        if (ofChannels > 0)
        {
            pooled = node.Builder.Small(
                node.Node.Operator,
                // Squares and magnitudes were taken at the positions; what is left of those is a sum.
                (tensors, _) => Computed(kind is "SumSquare" or "L1" ? "Sum" : kind, tensors[0], [1], true),
                [pooled]);
            shape[map.ChannelAxis] = 1;
        }

        long[] kept = [.. shape.Where((_, axis) => keeps || !axes.Contains(axis)).Select(side => (long)side)];
        return node.Builder.Small(
            "Reshape", (tensors, _) => tensors[0].reshape([tensors[0].shape[0], .. kept.Skip(1)]), [pooled]);
    }

    /// <summary>[N, C].</summary>
    private static SmallValue OverPositions(NodeContext node, MapValue map, string kind)
    {
        var builder = node.Builder;
        long[] shape = [-1, map.Channels];
        switch (kind)
        {
            case "Mean":
                return builder.Small(shape, values => ((FeatureMap)values[0]).Mean(), map);
            case "Max":
                return builder.Small(shape, values => ((FeatureMap)values[0]).Max(), map);
            case "Min":
                var negative = AtEach(map, "Neg", x => x.neg());
                var largest = builder.Small(shape, values => ((FeatureMap)values[0]).Max(), negative);
                return builder.Small("Neg", (tensors, _) => tensors[0].neg(), [largest]);
            case "Sum":
                return Sum(map);
            case "L1":
                return Sum(AtEach(map, "Abs", x => x.abs()));
            case "SumSquare":
                return Sum(AtEach(map, "Square", x => x.Squared()));
            case "L2":
                return builder.Small("Sqrt", (tensors, _) => Root(tensors[0]), [Sum(AtEach(map, "Square", x => x.Squared()))]);
            default:
                throw new RefusedNodeException("is a reduction that is not supported");
        }

        MapValue AtEach(MapValue of, string name, Func<Tensor, Tensor> function) =>
            builder.Map(of, of.Channels, values => ((FeatureMap)values[0]).AtEachPosition(name, (maps, _) => function(maps[0])));

        SmallValue Sum(MapValue of) => builder.Small(shape, values => ((FeatureMap)values[0]).Reduce(new SumReduction())[0], of);
    }

    /// <summary>One channel of all.</summary>
    private static MapValue OverChannels(NodeContext node, MapValue map, string kind)
    {
        if (map.ChannelAxis < 0)
            throw new RefusedNodeException("reduces channels that were reshaped in a way that is not supported");
        return node.Builder.Map(
            map,
            1,
            values => ((FeatureMap)values[0]).AtEachPosition(
                node.Node.Operator, (maps, _) => Computed(kind, maps[0], [1], true), kept: kind is "Mean" or "Sum"
                    ? 0
                    : 1, joinsChannels: true));
    }
}
