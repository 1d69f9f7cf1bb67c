using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>Norms that exporters take apart.</summary>
internal static class NormPatterns
{
    /// <summary>What stands for a global response norm. ONNX has no such operator.</summary>
    public const string GlobalResponseNorm = "GlobalResponseNorm";

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
            last,
            "LayerNormalization",
            [x, weight, bias],
            ("axis", new() { Integer = -1 }),
            ("epsilon", new() { Single = (float)epsilon }));
    }

    /// <summary>
    /// A group norm: an instance norm of channels laid together, laid out again as they were, times a weight, plus a bias.
    /// </summary>
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

    /// <summary>
    /// A global response norm: x plus a weight times x n plus a bias, where n is a channel's norm over its positions, over the mean of all
    /// channels' plus eps. Channels come first or last.
    /// </summary>
    public static OnnxNode? Response(GraphView view, OnnxNode last)
    {
        return last is { Operator: "Add", Inputs: [var a, var b] } ? Around(a, b) ?? Around(b, a) : null;

        OnnxNode? Around(string x, string rest)
        {
            if (view.WithTensor(view.Giver(rest, "Add")) is not var (weighted, bias)
                || view.WithTensor(view.Giver(weighted, "Mul")) is not var (product, weight)
                || view.Giver(product, "Mul") is not { Inputs: [var one, var other] }
                || view.Giver(one == x ? other : one, "Div") is not { Inputs: [var norms, var divisor] }
                || (one != x && other != x)
                || view.Giver(divisor, "Add") is not { Inputs: [var mean, var eps] }
                || view.Number(eps) is not { } epsilon
                || view.Giver(mean, "ReduceMean") is not { } ofChannels
                || ofChannels.Inputs[0] != norms
                || view.Giver(norms, "ReduceL2") is not { } ofPositions
                || ofPositions.Inputs[0] != x
                || !Keeps(ofChannels)
                || !Keeps(ofPositions)
                || view.Tensor(weight)!.Count != view.Tensor(bias)!.Count)
            {
                return null;
            }

            int? channels = (view.Axes(ofPositions), view.Axes(ofChannels)) switch
            {
                ([2, 3], [1]) when IsOfChannels(view.Tensor(weight)!) && IsOfChannels(view.Tensor(bias)!) => 1,
                ([1, 2], [3 or -1]) when IsOfLast(view.Tensor(weight)!) && IsOfLast(view.Tensor(bias)!) => 3,
                _ => null,
            };
            return channels is { } axis
                ? Patterns.Instead(
                    last,
                    GlobalResponseNorm,
                    [x, weight, bias],
                    ("axis", new() { Integer = axis }),
                    ("epsilon", new() { Single = (float)epsilon }))
                : null;
        }

        static bool Keeps(OnnxNode reduction) => (reduction.Attributes.GetValueOrDefault("keepdims")?.Integer ?? 1) != 0;

        static bool IsOfLast(OnnxTensor tensor) => tensor.Shape is [_] or [1, 1, 1, _];
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
