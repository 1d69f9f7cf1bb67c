using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Operators that put maps together, take them apart, or lay a border around them.</summary>
internal static class Joining
{
    /// <summary>Concat.</summary>
    public static OnnxValue Concat(NodeContext node)
    {
        OnnxValue[] inputs = [.. Enumerable.Range(0, node.Inputs).Select(node.Input)];
        var axis = node.Integer("axis", 1);
        if (inputs.Any(input => input is ShapeValue) && inputs.Select(Shapes.Row).ToArray() is var rows && rows.All(row => row is not null))
            return new ShapeValue([.. rows.SelectMany(row => row!.Numbers)], IsScalar: false);
        if (inputs.All(input => input is ConstantValue))
            return Constants.Folded(node, all => cat(all, axis), [.. inputs.Cast<ConstantValue>()]);
        if (inputs.All(input => input is SmallValue))
        {
            SmallValue[] smalls = [.. inputs.Cast<SmallValue>()];
            var along = NodeContext.Axis(axis, smalls[0].Shape.Count);
            return along == 0
                ? throw new RefusedNodeException("puts images one behind the other")
                : node.Builder.Small("Concat", (tensors, _) => cat([.. tensors], along), smalls);
        }

        if (!inputs.All(input => input is MapValue))
            throw new RefusedNodeException("puts maps and other values together");
        MapValue[] maps = [.. inputs.Cast<MapValue>()];
        if (maps[0].ChannelAxis < 0 || maps.Any(map => !map.IsLaidOutAs(maps[0])))
            maps = [.. maps.Select(node.Plain)];
        return NodeContext.Axis(axis, maps[0].Axes.Count) == maps[0].ChannelAxis
            ? node.Builder.Map(
                maps[0], maps.Sum(map => map.Channels), values => FeatureMap.Concat([.. values.Cast<FeatureMap>()]), maps[1..])
            : throw new RefusedNodeException("puts maps together along rows, columns or images; along channels it can be streamed");
    }

    /// <summary>Split, of channels.</summary>
    public static IReadOnlyList<OnnxValue> Split(NodeContext node)
    {
        var axis = node.Integer("axis", 0);
        var (input, count) = (node.Ordered(0), node.Outputs);
        var sides = input switch
        {
            MapValue map when map.ChannelAxis >= 0 && NodeContext.Axis(axis, map.Axes.Count) == map.ChannelAxis => map.Channels,
            SmallValue small when NodeContext.Axis(axis, small.Shape.Count) is > 0 and var at => small.Shape[at],
            _ => throw new RefusedNodeException("splits something else than the channels of a map"),
        };
        var part = (sides + count - 1) / count;
        var parts = node.IntegersOf("split", 1) ?? [.. Enumerable.Range(0, count).Select(i => Math.Min(part, sides - (part * i)))];
        if (parts.Length != count || parts.Any(one => one < 1) || parts.Sum() != sides)
            throw new RefusedNodeException($"splits {sides} channels into [{string.Join(", ", parts)}]");
        return [.. parts.Select((length, i) => Part(node, input, axis, parts.Take(i).Sum(), length))];
    }

    /// <summary>Slice, of channels; of positions where it leaves out a border or takes every nth.</summary>
    public static OnnxValue Slice(NodeContext node)
    {
        var starts = node.IntegersOf("starts", 1)!;
        var axes = node.IntegersOf("axes", 3) ?? [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)];
        var steps = (node.Opset < 10 ? null : node.IntegersOf("steps", 4)) ?? [.. starts.Select(_ => 1L)];
        if (Shapes.Row(node.Input(0)) is { } row && starts.Length == 1 && steps[0] > 0)
        {
            var (first, end) =
                (Shapes.Clamped(starts[0], row.Numbers.Count), Shapes.Clamped(node.IntegersOf("ends", 2)![0], row.Numbers.Count));
            return new ShapeValue([.. row.Numbers.Skip(first).Take(end - first).Where((_, i) => i % steps[0] == 0)], IsScalar: false);
        }

        var value = node.Ordered(0);
        if (CropOf(node, value, starts, axes, steps) is { } cropped)
            return cropped;
        for (var i = 0; i < starts.Length; i++)
            value = Sliced(node, value, axes[i], starts[i], End(node, i), steps[i]);
        return value;
    }

    /// <summary>Pad, of rows and columns.</summary>
    public static OnnxValue Pad(NodeContext node)
    {
        var pads = node.IntegersOf("pads", 1) ?? node.Integers("paddings") ?? throw new RefusedNodeException("names no pads");
        if (node.Optional(3) is not null)
            throw new RefusedNodeException("names axes beside its pads; give pads for all");
        if (pads.All(pad => pad == 0))
            return node.Input(0);
        var map = node.Map(0);
        if (pads is not [0, 0, var top, var left, 0, 0, var bottom, var right])
            throw new RefusedNodeException($"has the pads [{string.Join(", ", pads)}]; rows and columns alone can be padded");
        var value = node.OptionalConstant(2)?.Numbers().FirstOrDefault() ?? node.Real("value", 0);
        (long, long, long, long) all = (left, right, top, bottom);
        return node.Builder.Through(
            map,
            node.Text("mode", "constant") switch
            {
                "constant" => ConstantPad2d(all, value),
                "reflect" => ReflectionPad2d(all),
                "edge" => ReplicationPad2d(all),
                var mode => throw new RefusedNodeException($"pads by '{mode}', which cannot be streamed; use constant, reflect or edge"),
            },
            node.Name);
    }

    /// <summary>The first rows and columns, as many as another map has; null where it is something else.</summary>
    private static MapValue? CropOf(NodeContext node, OnnxValue value, long[] starts, long[] axes, long[] steps)
    {
        if (value is not MapValue map || starts is not [0, 0] || axes is not [2, 3] || steps is not [1, 1])
            return null;
        var (height, width) = (End(node, 0), End(node, 1));
        if (height.IsKnown || width.IsKnown || node.Builder.Sized(height, width) is not { } other || other.Size == map.Size)
            return null;
        var plain = node.Plain(map);
        return node.Builder.Map(
            plain with { Size = other.Size },
            plain.Channels,
            values => ((FeatureMap)values[0]).CroppedTo((FeatureMap)values[1]),
            other);
    }

    private static Number End(NodeContext node, int index) => Shapes.Row((node.Integers("ends") is { } ends
        ? new ShapeValue([.. ends.Select(end => (Number)end)], IsScalar: false)
        : node.Input(2))) is { } row
        ? row.Numbers[index]
        : throw new RefusedNodeException("ends where something says that is not known");

    private static OnnxValue Sliced(NodeContext node, OnnxValue value, long axis, long start, Number end, long step)
    {
        switch (value)
        {
            case ConstantValue constant when end.IsKnown:
                var dimension = NodeContext.Axis(axis, constant.Shape.Count);
                var places = Places(constant.Shape[dimension], start, end.Factor, step);
                return Constants.Applied(
                    node,
                    x =>
                    {
                        using var index = tensor(places);
                        return x.index_select(dimension, index);
                    },
                    constant);
            case SmallValue small when end.IsKnown && step == 1 && NodeContext.Axis(axis, small.Shape.Count) is > 0 and var at:
                var (from, to) = (Shapes.Clamped(start, small.Shape[at]), Shapes.Clamped(end.Factor, small.Shape[at]));
                return Part(node, small, at, from, to - from);
            case MapValue map
                when map.ChannelAxis >= 0 && NodeContext.Axis(axis, map.Axes.Count) == map.ChannelAxis && end.IsKnown && step == 1:
                var (first, last) = (Shapes.Clamped(start, map.Channels), Shapes.Clamped(end.Factor, map.Channels));
                return last > first ? Part(node, map, axis, first, last - first) : throw new RefusedNodeException("takes no channels");
            case MapValue map when node.Plain(map) is var plain && NodeContext.Axis(axis, 4) is 2 or 3:
                return OfPositions(node, plain, NodeContext.Axis(axis, 4) == 2, start, end, step);
            default:
                throw new RefusedNodeException("takes a part of a map that is neither channels nor a border");
        }
    }

    /// <summary>The places that a slice takes, forwards or backwards.</summary>
    private static long[] Places(long count, long start, long end, long step)
    {
        if (step == 0 || count > int.MaxValue)
            throw new RefusedNodeException("takes steps of 0");
        // Backwards it may start at the last place, and end before the first one.
        var (lowest, highest) = step > 0 ? (0, count) : (-1, count - 1);
        var (first, last) =
            (Math.Clamp(start < 0 ? start + count : start, lowest, highest), Math.Clamp(end < 0 ? end + count : end, lowest, highest));
        var taken = Math.Max(0, (last - first + step - Math.Sign(step)) / step);
        return [.. Enumerable.Range(0, (int)taken).Select(i => first + (i * step))];
    }

    private static OnnxValue OfPositions(NodeContext node, MapValue map, bool isRows, long start, Number end, long step)
    {
        var side = new Atom(isRows ? AtomKind.Rows : AtomKind.Columns).Extent(map.Size);
        if (start < 0 || step < 1)
            throw new RefusedNodeException("counts its first position from the end, or backwards");
        // What is left out at the end: nothing, or as many as are counted from there.
        var behind = end switch
        {
            { IsKnown: true, Factor: < 0 } => -end.Factor,
            { IsKnown: true, Factor: >= int.MaxValue } => 0,
            _ when end.Agrees(side) => 0,
            { IsKnown: true } when side.InFile is { } inFile && end.Factor > inFile => 0,
            _ => throw new RefusedNodeException($"ends at the position {end}, whatever the image's size"),
        };
        OnnxValue value = map;
        if (start > 0 || behind > 0)
            value = node.Builder.Through(value, ZeroPad2d(isRows ? (0, 0, -start, -behind) : (-start, -behind, 0, 0)), node.Name + ".crop");
        return step == 1
            ? value
            : node.Builder.Through(value, MaxPool2d((1, 1), isRows ? (step, 1) : (1, step)), node.Name + ".every");
    }

    private static OnnxValue Part(NodeContext node, OnnxValue input, long axis, long start, long length) => input is MapValue map
        ? node.Builder.Map(map, length, values => ((FeatureMap)values[0]).Slice(start, length))
        : node.Builder.Small(
            "Slice",
            (tensors, _) => tensors[0].narrow(NodeContext.Axis(axis, ((SmallValue)input).Shape.Count), start, length),
            [(SmallValue)input]);
}
