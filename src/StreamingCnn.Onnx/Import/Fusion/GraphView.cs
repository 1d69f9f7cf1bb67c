using StreamingCnn.Onnx.Format;

namespace StreamingCnn.Onnx.Import.Fusion;

/// <summary>A graph by its values: which node gives each, and what stands in the file.</summary>
internal sealed class GraphView
{
    private readonly Dictionary<string, OnnxNode> givers = [];
    private readonly Dictionary<string, OnnxTensor> tensors = [];

    /// <param name="nodes">The nodes, each behind those that it reads.</param>
    /// <param name="initialisers">What stands in the file.</param>
    public GraphView(IReadOnlyList<OnnxNode> nodes, IReadOnlyList<OnnxTensor> initialisers)
    {
        foreach (var tensor in initialisers)
            tensors[tensor.Name] = tensor;
        foreach (var node in nodes)
        {
            foreach (var output in node.Outputs.Where(output => output.Length > 0))
                givers[output] = node;
            if (node is { Operator: "Constant", Outputs: [var constant] }
                && node.Attributes.GetValueOrDefault("value")?.Tensor is { } value)
                tensors[constant] = value;
        }
    }

    /// <summary>The node that gives a value, where it is of an operator; null where it is not.</summary>
    public OnnxNode? Giver(string value, params ReadOnlySpan<string> operators) =>
        givers.TryGetValue(value, out var node) && (operators.Length == 0 || operators.Contains(node.Operator)) ? node : null;

    /// <summary>A tensor of the file; null where a value is none.</summary>
    public OnnxTensor? Tensor(string value)
    {
        while (givers.TryGetValue(value, out var node) && node is { Operator: "Identity", Inputs: [var same] } && !tensors
            .ContainsKey(value))
            value = same;
        return tensors.GetValueOrDefault(value);
    }

    /// <summary>The only number of a tensor in the file; null where a value is none.</summary>
    public double? Number(string value) => Tensor(value) is { Count: 1, IsFloating: true } tensor
        ? new ConstantValue(tensor, Learns: false).Numbers()[0]
        : null;

    /// <summary>Whether a value is a number, up to the rounding of float32.</summary>
    public bool Is(string value, double number) =>
        Number(value) is { } found && Math.Abs(found - number) <= 1e-6 * Math.Max(1, Math.Abs(number));

    /// <summary>The other operand of a sum or product with a number; null where there is none.</summary>
    public string? Beside(OnnxNode? node, double number) => node?.Inputs switch
    {
        [var a, var b] when Is(b, number) => a,
        [var a, var b] when Is(a, number) => b,
        _ => null,
    };

    /// <summary>A sum or product of a value and a tensor of the file with several values.</summary>
    public (string Value, string Tensor)? WithTensor(OnnxNode? node) => node?.Inputs switch
    {
        [var a, var b] when Tensor(b) is { Count: > 1 } => (a, b),
        [var a, var b] when Tensor(a) is { Count: > 1 } => (b, a),
        _ => null,
    };

    /// <summary>Whole numbers of a tensor in the file; null where a value is none.</summary>
    public long[]? Integers(string value) =>
        Tensor(value) is { IsFloating: false } tensor ? new ConstantValue(tensor, Learns: false).Integers() : null;

    /// <summary>The axes of a reduction.</summary>
    public long[]? Axes(OnnxNode node) => node.Attributes.GetValueOrDefault("axes")?.Integers?.ToArray()
        ?? (node.Inputs.Count > 1 && Tensor(node.Inputs[1]) is { } tensor ? new ConstantValue(tensor, Learns: false).Integers() : null);
}
