using StreamingCnn.Models;
using StreamingCnn.Onnx.Import.Fusion;
using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Poolings of windows.</summary>
internal static class Pooling
{
    /// <summary>MaxPool.</summary>
    public static OnnxValue Max(NodeContext node)
    {
        var (map, window) = Read(node);
        if (node.Outputs > 1 && node.Node.Outputs[1].Length > 0)
            throw new RefusedNodeException("gives the places of its maxima, which are not supported");
        var isCeiling = node.Integer("ceil_mode", 0) != 0;
        if (isCeiling && !window.IsSymmetric)
            throw new RefusedNodeException("rounds its size up beside uneven pads; use even ones");
        var isWide = window.IsSymmetric && (window.Top > window.Kernel.Rows / 2 || window.Left > window.Kernel.Columns / 2);
        if (isWide)
            throw new RefusedNodeException("pads by more than half of its window, which PyTorch does not allow");
        var (padded, own) = window.Pad(node, map, double.NegativeInfinity, node.Name);
        return node.Builder.Through(padded, MaxPool2d(window.Kernel, window.Stride, own, window.Dilation, isCeiling), node.Name);
    }

    /// <summary>AveragePool.</summary>
    public static OnnxValue Average(NodeContext node)
    {
        var (map, window) = Read(node);
        var counts = node.Integer("count_include_pad", 0) != 0;
        var isCeiling = node.Integer("ceil_mode", 0) != 0;
        if (window.Dilation != (1, 1))
            throw new RefusedNodeException("has a dilated window, which is not supported");
        if (!window.IsSymmetric && (isCeiling || !counts))
            throw new RefusedNodeException("has uneven pads that it does not count, or rounds its size up beside them; use even ones");
        if (window.IsSymmetric && (window.Top > window.Kernel.Rows / 2 || window.Left > window.Kernel.Columns / 2))
            throw new RefusedNodeException("pads by more than half of its window, which PyTorch does not allow");
        var (padded, own) = window.Pad(node, map, 0, node.Name);
        return node.Builder.Through(padded, AvgPool2d(window.Kernel, window.Stride, own, isCeiling, counts), node.Name);
    }

    /// <summary>GlobalAveragePool and GlobalMaxPool.</summary>
    public static OnnxValue Global(NodeContext node, bool isMax) => node.Input(0) is SmallValue small
        ? node.Builder.Small(
            node.Node.Operator,
            (tensors, _) => isMax ? tensors[0].amax([2L, 3L], keepdim: true) : tensors[0].mean([2L, 3L], keepdim: true),
            [small])
        : node.Builder.Pooled(node.Map(0), isMax ? AdaptiveMaxPool2d([1, 1]) : AdaptiveAvgPool2d([1, 1]), node.Name);

    /// <summary>The sum over positions of a map times the softmax over positions of scores, of one channel or of as many.</summary>
    public static OnnxValue Attention(NodeContext node)
    {
        var (map, scores) = (node.Map(0), node.Map(1));
        return scores.Channels == 1 || scores.Channels == map.Channels
            ? node.Builder.Small(
                [-1, map.Channels],
                values => ((FeatureMap)values[0]).Reduce(new SoftmaxSumReduction(), (FeatureMap)values[1])[0],
                map,
                scores)
            : throw new RefusedNodeException($"weighs {map.Channels} channels with scores of {scores.Channels}");
    }

    /// <summary>TopK, of all positions of each channel.</summary>
    public static IReadOnlyList<OnnxValue> Largest(NodeContext node)
    {
        var count = node.OptionalConstant(1)?.Integers()[0] ?? node.Integer("k", 0);
        if (node.Input(0) is not MapValue { Axes: [[{ Kind: AtomKind.Images }], [{ Kind: AtomKind.Channels } all], var positions] } map
            || all.Count != map.Channels
            || positions is not [{ Kind: AtomKind.Rows }, { Kind: AtomKind.Columns }]
            || NodeContext.Axis(node.Integer("axis", -1), 3) != 2
            || node.Integer("largest", 1) == 0)
        {
            throw new RefusedNodeException("takes the largest values of something else than all positions of each channel");
        }

        return count >= 1
            ? [node.Builder.Small([-1, map.Channels, count], values => ((FeatureMap)values[0]).Reduce(new TopKReduction(count))[0], map)]
            : throw new RefusedNodeException($"takes {count} values");
    }

    /// <summary>A binomial filter, as it was put together again.</summary>
    public static OnnxValue Blur(NodeContext node)
    {
        var (size, stride) = (node.Integer("size", 0), node.Integer("stride", 0));
        return size is >= 1 and <= ThinningPatterns.LargestFilter && stride is >= 1 and <= int.MaxValue
            ? node.Builder.Through(node.Map(0), new BlurPool((int)size, (int)stride), node.Name)
            : throw new RefusedNodeException($"blurs by {size} positions at a distance of {stride}");
    }

    private static (MapValue Map, Window Window) Read(NodeContext node)
    {
        var map = node.Map(0);
        if (node.Integers("kernel_shape") is not [var rows, var columns])
            throw new RefusedNodeException("has no window of rows and columns");
        if (rows < 1 || columns < 1)
            throw new RefusedNodeException($"has a window of {rows} x {columns}");
        return (map, Window.Of(node, (rows, columns)));
    }
}
