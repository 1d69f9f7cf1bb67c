using StreamingCnn.Geometry;
using StreamingCnn.Onnx.Import.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>How a window slides: what convolutions and poolings have in common.</summary>
internal sealed record Window
{
    /// <summary>Taps.</summary>
    public required (long Rows, long Columns) Kernel { get; init; }

    /// <summary>Distance between windows.</summary>
    public required (long Rows, long Columns) Stride { get; init; }

    /// <summary>Distance between taps.</summary>
    public required (long Rows, long Columns) Dilation { get; init; }

    /// <summary>Padding above.</summary>
    public long Top { get; init; }

    /// <summary>Padding on the left.</summary>
    public long Left { get; init; }

    /// <summary>Padding below.</summary>
    public long Bottom { get; init; }

    /// <summary>Padding on the right.</summary>
    public long Right { get; init; }

    /// <summary>Whether the padding follows from the image's size, so that as many outputs come out as strides fit in.</summary>
    public bool IsSame { get; init; }

    /// <summary>Whether an odd position of that padding stands above and on the left.</summary>
    public bool IsLower { get; init; }

    /// <summary>Whether both ends of each axis get the same padding.</summary>
    public bool IsSymmetric => !IsSame && Top == Bottom && Left == Right;

    /// <summary>The padding, where it is symmetric.</summary>
    public (long Rows, long Columns) Symmetric => (Top, Left);

    /// <summary>The window of a node.</summary>
    public static Window Of(NodeContext node, (long Rows, long Columns) kernel)
    {
        var strides = Two("strides", 1);
        var dilations = Two("dilations", 1);
        var pads = node.Integers("pads") ?? [0, 0, 0, 0];
        if (pads.Length != 4 || pads.Any(pad => pad < 0))
            throw new RefusedNodeException($"has the pads [{string.Join(", ", pads)}]; four numbers of at least 0 are allowed");
        if (strides.Rows < 1 || strides.Columns < 1 || dilations.Rows < 1 || dilations.Columns < 1)
            throw new RefusedNodeException("has strides or dilations below 1");
        var auto = node.Text("auto_pad", "NOTSET");
        var window = new Window { Kernel = kernel, Stride = strides, Dilation = dilations };
        return auto switch
        {
            "NOTSET" => window with { Top = pads[0], Left = pads[1], Bottom = pads[2], Right = pads[3] },
            "VALID" => window,
            "SAME_UPPER" or "SAME_LOWER" => window.Same(auto == "SAME_LOWER"),
            _ => throw new RefusedNodeException($"has the unknown auto_pad '{auto}'"),
        };

        (long Rows, long Columns) Two(string name, long fallback) => node.Integers(name) switch
        {
            null => (fallback, fallback),
            [var rows, var columns] => (rows, columns),
            var other => throw new RefusedNodeException($"has {other.Length} {name}; networks of images have 2"),
        };
    }

    /// <summary>Lays the padding around a map, as far as a layer that pads both ends alike cannot do it.</summary>
    /// <param name="node">The node.</param>
    /// <param name="input">The map or small tensor.</param>
    /// <param name="value">What the padding is.</param>
    /// <param name="name">The name of the layer.</param>
    /// <returns>The map, and what is left to the layer.</returns>
    public (OnnxValue Padded, (long Rows, long Columns) Own) Pad(NodeContext node, OnnxValue input, double value, string name)
    {
        if (IsSymmetric)
            return (input, Symmetric);
        if (!IsSame)
            return (node.Builder.Through(input, ConstantPad2d((Left, Right, Top, Bottom), value), name + ".pad"), (0, 0));
        if (input is not MapValue map)
            throw new RefusedNodeException("pads a small tensor by its size; give the padding as numbers");
        return (node.Builder.Layer(map, new SamePadding(this, value), name + ".pad"), (0, 0));
    }

    /// <summary>The padding of an axis of some length, where it follows from that.</summary>
    public (long Before, long After) Same(Axis axis, long length)
    {
        var (kernel, stride, dilation) = axis == Axis.Rows
            ? (Kernel.Rows, Stride.Rows, Dilation.Rows)
            : (Kernel.Columns, Stride.Columns, Dilation.Columns);
        var outputs = Division.Ceiling(length, stride);
        var all = Math.Max(0, ((outputs - 1) * stride) + (dilation * (kernel - 1)) + 1 - length);
        return IsLower ? (all - (all / 2), all / 2) : (all / 2, all - (all / 2));
    }

    private Window Same(bool isLower)
    {
        if (Stride != (1, 1))
            return this with { IsSame = true, IsLower = isLower };
        // With stride 1 it is the same for every size.
        var (rows, columns) = (Dilation.Rows * (Kernel.Rows - 1), Dilation.Columns * (Kernel.Columns - 1));
        var (top, left) = isLower ? (rows - (rows / 2), columns - (columns / 2)) : (rows / 2, columns / 2);
        return this with { Top = top, Left = left, Bottom = rows - top, Right = columns - left };
    }
}
