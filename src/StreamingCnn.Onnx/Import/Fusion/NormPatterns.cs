using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>Norms that exporters take apart.</summary>
internal static class NormPatterns
{
    /// <summary>A layer norm over the last axis: (x - mean) / √(variance + eps) times a weight, plus a bias.</summary>
    public static OnnxNode? Layer(GraphView view, OnnxNode last)
    {
        if (last.Operator != "Add"
            || view.WithTensor(last) is not var (product, bias)
            || view.WithTensor(view.Giver(product, "Mul")) is not var (normalised, weight)
            || view.Giver(normalised, "Div") is not { Inputs: [var centred, var deviation] }
            || view.Giver(deviation, "Sqrt") is not { Inputs: [var variance] }
            || view.Giver(variance, "Add") is not { Inputs: [var mean, var eps] }
            || view.Number(eps) is not { } epsilon
            || view.Giver(mean, "ReduceMean") is not { } second
            || Square(view, second.Inputs[0]) is not { } squared
            || Centred(view, centred) is not { } x
            || (squared != centred && Centred(view, squared) != x)
            || !IsLast(view, second)
            || view.Tensor(weight) is not { Shape: [var channels] }
            || view.Tensor(bias) is not { Shape: [var others] }
            || channels != others)
        {
            return null;
        }

        return Patterns.Instead(
            last, "LayerNormalization", [x, weight, bias], ("axis", new() { Integer = -1 }), ("epsilon", new() { Single = (float)epsilon }));
    }

    /// <summary>A group norm: an instance norm of channels laid together, laid out again as they were, times a weight, plus a bias.</summary>
    public static OnnxNode? Group(GraphView view, OnnxNode last)
    {
        if (last.Operator != "Add"
            || view.WithTensor(last) is not var (product, bias)
            || view.WithTensor(view.Giver(product, "Mul")) is not var (whole, weight)
            || view.Giver(whole, "Reshape") is not { Inputs: [var normalised, _] } back
            || view.Giver(normalised, "InstanceNormalization") is not { Inputs: [var laid, var ones, var zeros] } norm
            || view.Giver(laid, "Reshape") is not { Inputs: [var x, var shape] }
            || view.Tensor(shape) is not { } target
            || new ConstantValue(target, Learns: false).Integers() is not [0, var groups, -1]
            || view.Tensor(ones) is not { } factors
            || view.Tensor(zeros) is not { } summands
            || new ConstantValue(factors, Learns: false).Numbers().Any(value => value != 1)
            || new ConstantValue(summands, Learns: false).Numbers().Any(value => value != 0)
            || !IsShapeOf(view, back.Inputs[1], x)
            || !IsOfChannels(view.Tensor(weight)!)
            || !IsOfChannels(view.Tensor(bias)!))
        {
            return null;
        }

        return Patterns.Instead(
            last,
            "GroupNormalization",
            [x, weight, bias],
            ("num_groups", new() { Integer = groups }),
            ("epsilon", new() { Single = norm.Attributes.GetValueOrDefault("epsilon")?.Single ?? 1e-5f }));
    }

    private static bool IsShapeOf(GraphView view, string shape, string x) => view.Giver(shape, "Shape") is { Inputs: [var of] } && of == x;

    /// <summary>Values for channels, in front of rows and columns.</summary>
    private static bool IsOfChannels(OnnxTensor tensor) => tensor.Shape is [_, 1, 1] or [1, _, 1, 1];

    private static bool IsLast(GraphView view, OnnxNode mean) => view.Axes(mean) is [-1];

    private static string? Square(GraphView view, string value) => view.Giver(value, "Pow", "Mul") switch
    {
        { Operator: "Pow", Inputs: [var x, var two] } when view.Is(two, 2) => x,
        { Operator: "Mul", Inputs: [var x, var same] } when x == same => x,
        _ => null,
    };

    /// <summary>What a mean over the last axis is taken off from.</summary>
    private static string? Centred(GraphView view, string value) =>
        view.Giver(value, "Sub") is { Inputs: [var x, var mean] }
        && view.Giver(mean, "ReduceMean") is { } first
        && first.Inputs[0] == x
        && IsLast(view, first)
            ? x
            : null;
}
