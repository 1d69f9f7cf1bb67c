using StreamingCnn.Onnx.Export;
using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>Attention between neighbouring positions, as the export writes it.</summary>
internal static class AttentionPatterns
{
    /// <summary>What stands for attention in windows. ONNX has no such operator.</summary>
    public const string InWindows = "WindowAttention";

    /// <summary>What stands for attention to the positions around each. ONNX has no such operator.</summary>
    public const string ToNeighbours = "NeighbourhoodAttention";

    /// <summary>The largest window that is looked for.</summary>
    private const long LargestWindow = 64;

    // Operators between two that are looked for, at most.
    private const int Longest = 8;

    private static readonly AttentionForm Parameters = new()
    {
        Channels = 0,
        Heads = 0,
        Window = 0,
        IsCut = false,
        InputWeight = "qkv.weight",
        InputBias = "qkv.bias",
        OutputWeight = "proj.weight",
        OutputBias = "proj.bias",
        Table = "table",
        Shift = "shift",
    };

    /// <summary>
    /// Attention whose sizes follow from its parameters' shapes. What all its nodes have to be is written, and held against them.
    /// </summary>
    public static OnnxNode? Local(GraphView view, OnnxNode last)
    {
        if (last is not { Operator: "Transpose", Inputs: [var output] }
            || view.Giver(output, "Add") is not { Inputs: [var product, _] }
            || view.Giver(product, "MatMul") is not { Inputs: [var joined, var turned] }
            || view.Giver(turned, "Transpose") is not { Inputs: [var weight] }
            || view.Tensor(weight) is not { Shape: [var channels, var same] }
            || channels != same
            || Behind(view, joined, "MatMul") is not { Inputs: [var weights, _] }
            || view.Giver(weights, "Softmax") is not { Inputs: [var scores] }
            || view.Giver(scores, "Add") is not { Inputs: [_, var biases] }
            || TableOf(view, biases) is not { } table
            || Sizes(table) is not var (heads, window, isCut)
            || heads < 1
            || channels < 1
            || channels % heads != 0)
        {
            return null;
        }

        var form = Parameters with { Channels = channels, Heads = heads, Window = window, IsCut = isCut };
        return Find(form with { Shift = null }) ?? (isCut ? Find(form) : null);

        OnnxNode? Find(AttentionForm form)
        {
            var written = new GraphWriter();
            var end = AttentionWriters.Write(written, form, "attention", GraphWriter.Image);
            if (WrittenForm.Find(view, last.Outputs[0], written, end) is not { } found
                || !Has(form.InputWeight, 3 * channels, channels)
                || !Has(form.InputBias, 3 * channels)
                || !Has(form.OutputWeight, channels, channels)
                || !Has(form.OutputBias, channels)
                || !Has(form.Table, [.. table.Shape])
                || (form.Shift is { } by && (!Has(by, 1) || view.Integers(found[by]) is not [var shift] || shift < 1 || shift >= window)))
            {
                return null;
            }

            string[] inputs = [GraphWriter.Image, form.InputWeight, form.InputBias, form.OutputWeight, form.OutputBias, form.Table];
            return Patterns.Instead(
                last,
                isCut ? InWindows : ToNeighbours,
                [.. inputs.Select(input => found[input]), .. form.Shift is { } own ? (string[])[found[own]] : []],
                ("heads", new() { Integer = heads }),
                ("window", new() { Integer = window }));

            bool Has(string parameter, params long[] shape) => view.Tensor(found[parameter])?.Shape.SequenceEqual(shape) == true;
        }
    }

    /// <summary>The number of heads and the window of a table of biases, and whether it is that of windows.</summary>
    private static (long Heads, long Window, bool IsCut)? Sizes(OnnxTensor table)
    {
        var (heads, distances, isCut) = table.Shape switch
        {
            [var pairs, var all] => (all, (long)Math.Round(Math.Sqrt(pairs)), true),
            [var all, var rows, var columns] when rows == columns => (all, rows, false),
            _ => default,
        };
        var isTable = distances % 2 == 1 && distances < 2 * LargestWindow && (!isCut || table.Shape[0] == distances * distances);
        // A neighbourhood has a middle.
        var window = (distances + 1) / 2;
        return isTable && (isCut || window % 2 == 1) ? (heads, window, isCut) : null;
    }

    /// <summary>The next node of an operator behind a value, by what nodes read first.</summary>
    private static OnnxNode? Behind(GraphView view, string value, string name)
    {
        for (var i = 0; i < Longest && view.Giver(value) is { Inputs: [var first, ..] } node; i++, value = first)
        {
            if (node.Operator == name)
                return node;
        }

        return null;
    }

    /// <summary>What of the file stands behind a value, by what nodes read first.</summary>
    private static OnnxTensor? TableOf(GraphView view, string value)
    {
        for (var i = 0; i < Longest && view.Tensor(value) is null && view.Giver(value) is { Inputs: [var first, ..] }; i++)
            value = first;
        return view.Tensor(value);
    }
}
