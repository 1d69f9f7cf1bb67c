using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>Poolings that are written as several operators on maps whose positions are laid in rows.</summary>
internal static class PoolingPatterns
{
    /// <summary>What stands for an attention pooling. ONNX has no such operator.</summary>
    public const string AttentionPooling = "AttentionPooling";

    /// <summary>The sum over positions of values times the softmax over positions of scores.</summary>
    public static OnnxNode? Attention(GraphView view, OnnxNode last)
    {
        if (last.Operator != "ReduceSum"
            || (last.Attributes.GetValueOrDefault("keepdims")?.Integer ?? 1) != 0
            || view.Axes(last) is not [2 or -1]
            || view.Giver(last.Inputs[0], "Mul") is not { Inputs: [var a, var b] })
        {
            return null;
        }

        return Weighted(a, b) ?? Weighted(b, a);

        OnnxNode? Weighted(string values, string weights) =>
            Laid(values) is { } map
            && view.Giver(weights, "Softmax") is { } softmax
            && softmax.Attributes.GetValueOrDefault("axis")?.Integer is 2 or -1
            && Laid(softmax.Inputs[0]) is { } scores
                ? Patterns.Instead(last, AttentionPooling, [map, scores])
                : null;

        string? Laid(string rows) =>
            view.Giver(rows, "Reshape") is { Inputs: [var map, var shape] } && view.Integers(shape) is [0, 0, -1] ? map : null;
    }
}
