using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>
/// Operators that exporters take apart, put together again: one layer keeps less than five, and has the layer's own name. Each is looked
/// for from its last node, which then gives the same by itself.
/// </summary>
internal static class Patterns
{
    private static readonly Func<GraphView, OnnxNode, OnnxNode?>[] All =
        [
            Gelu,
            HardSwish,
            HardSigmoid,
            Swish,
            NormPatterns.Layer,
            NormPatterns.Group,
            NormPatterns.Response,
            PoolingPatterns.Attention,
            WeightPatterns.Standardised,
            ThinningPatterns.Blur,
            ThinningPatterns.Stacked,
            AttentionPatterns.Local,
            Linear
        ];

    /// <summary>The nodes, those that end a pattern being the whole of it. Others stay, whether they are needed or not.</summary>
    /// <param name="nodes">The nodes, each behind those that it reads.</param>
    /// <param name="initialisers">What stands in the file.</param>
    public static IReadOnlyList<OnnxNode> Fuse(IReadOnlyList<OnnxNode> nodes, IReadOnlyList<OnnxTensor> initialisers)
    {
        var view = new GraphView(nodes, initialisers);
        return [.. nodes.Select(node => All.Select(pattern => pattern(view, node)).FirstOrDefault(found => found is not null) ?? node)];
    }

    /// <summary>A node in another's place.</summary>
    public static OnnxNode Instead(
        OnnxNode last, string name, IReadOnlyList<string> inputs, params (string Name, OnnxAttribute Value)[] attributes)
    {
        return new()
        {
            Name = last.Title,
            Operator = name,
            Inputs = inputs,
            Outputs = last.Outputs,
            Attributes = attributes.ToDictionary(entry => entry.Name, entry => entry.Value),
        };
    }

    /// <summary>x (erf(x / √2) + 1) / 2, in whatever order it is multiplied.</summary>
    private static OnnxNode? Gelu(GraphView view, OnnxNode last)
    {
        if (last.Operator != "Mul")
            return null;
        foreach (var (factors, half) in Halves())
        {
            foreach (var (x, rest) in Pairs(factors))
            {
                if (half is not null && Beside(view, rest, "Add", 1) is { } error && IsErrorOf(error, x))
                    return Instead(last, "Gelu", [x]);
                // (x / 2) (erf + 1)
                if (half is null
                    && Beside(view, x, "Mul", 0.5) is { } whole
                    && Beside(view, rest, "Add", 1) is { } other
                    && IsErrorOf(other, whole))
                    return Instead(last, "Gelu", [whole]);
                // x ((erf + 1) / 2)
                if (half is null
                    && Beside(view, rest, "Mul", 0.5) is { } sum
                    && Beside(view, sum, "Add", 1) is { } third
                    && IsErrorOf(third, x))
                    return Instead(last, "Gelu", [x]);
            }
        }

        return null;

        IEnumerable<(OnnxNode Factors, string? Half)> Halves()
        {
            yield return (last, null);
            if (view.Beside(last, 0.5) is { } product && view.Giver(product, "Mul") is { } inner)
                yield return (inner, product);
        }

        bool IsErrorOf(string error, string x) => view.Giver(error, "Erf") is { Inputs: [var scaled] }
            && (view.Giver(scaled, "Div") is { Inputs: [var a, var root] } && a == x && view.Is(root, Math.Sqrt(2))
                || (Beside(view, scaled, "Mul", Math.Sqrt(0.5)) == x));
    }

    /// <summary>x min(max(x + 3, 0), 6) / 6, or x times its hard sigmoid.</summary>
    private static OnnxNode? HardSwish(GraphView view, OnnxNode last)
    {
        if (last is { Operator: "Div", Inputs: [var product, var six] } && view.Is(six, 6) && view.Giver(product, "Mul") is { } both)
            return Pairs(both)
                .Where(pair => IsClipped(view, pair.Other, pair.X))
                .Select(pair => Instead(last, "HardSwish", [pair.X]))
                .FirstOrDefault();
        return last.Operator != "Mul" ? null : Pairs(last).Where(pair => IsHardSigmoid(pair.Other, pair.X))
            .Select(pair => Instead(last, "HardSwish", [pair.X])).FirstOrDefault();

        bool IsHardSigmoid(string value, string x) =>
            (view.Giver(value, "HardSigmoid") is { Inputs: [var inner] } node && inner == x && IsSixth(node))
            || (view.Giver(value, "Div") is { Inputs: [var clipped, var divisor] } && view.Is(divisor, 6) && IsClipped(view, clipped, x));

        static bool IsSixth(OnnxNode node) =>
            Math.Abs((node.Attributes.GetValueOrDefault("alpha")?.Single ?? 0.2f) - (1f / 6)) < 1e-6f
            && (node.Attributes.GetValueOrDefault("beta")?.Single ?? 0.5f) == 0.5f;
    }

    /// <summary>min(max(x + 3, 0), 6) / 6.</summary>
    private static OnnxNode? HardSigmoid(GraphView view, OnnxNode last) =>
        last is { Operator: "Div", Inputs: [var clipped, var six] }
        && view.Is(six, 6)
        && view.Giver(clipped, "Clip") is { } clip
        && Beside(view, clip.Inputs[0], "Add", 3) is { } x
        && IsClipped(view, clipped, x)
            ? Instead(last, "HardSigmoid", [x], ("alpha", new() { Single = 1f / 6 }), ("beta", new() { Single = 0.5f }))
            : null;

    /// <summary>x times its logistic function.</summary>
    private static OnnxNode? Swish(GraphView view, OnnxNode last) => last.Operator != "Mul" ? null
        : Pairs(last).Where(pair => view.Giver(pair.Other, "Sigmoid") is { Inputs: [var inner] } && inner == pair.X)
            .Select(pair => Instead(last, "Swish", [pair.X])).FirstOrDefault();

    /// <summary>A product with a matrix, and the sum with a bias behind it.</summary>
    private static OnnxNode? Linear(GraphView view, OnnxNode last) =>
        last.Operator == "Add"
        && view.WithTensor(last) is var (value, bias)
        && view.Giver(value, "MatMul") is { Inputs: [var x, var matrix] }
        && view.Tensor(bias) is { Shape: [var outputs] }
        && (view.Tensor(matrix) is not { Shape: [_, var columns] } || columns == outputs)
            ? Instead(last, "MatMul", [x, matrix, bias])
            : null;

    private static bool IsClipped(GraphView view, string value, string x)
    {
        return view.Giver(value, "Clip") is { } clip
            && Beside(view, clip.Inputs[0], "Add", 3) == x
            && Bound(1, "min") == 0
            && Bound(2, "max") == 6;

        double? Bound(int input, string name) =>
            input < clip.Inputs.Count ? view.Number(clip.Inputs[input]) : clip.Attributes.GetValueOrDefault(name)?.Single;
    }

    /// <summary>What a number is added to or multiplied with by the node that gives a value.</summary>
    private static string? Beside(GraphView view, string value, string name, double number) => view.Beside(view.Giver(value, name), number);

    private static IEnumerable<(string X, string Other)> Pairs(OnnxNode node) => node.Inputs is [var a, var b] ? [(a, b), (b, a)] : [];
}
