using StreamingCnn.Graph;
using StreamingCnn.Onnx.Format;
using StreamingCnn.Reductions;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Module = TorchSharp.torch.nn.Module;

namespace StreamingCnn.Onnx.Export;

/// <summary>Writes small tensors. A function among them is known by what it computes, since it has no name.</summary>
/// <param name="graph">Where to.</param>
/// <param name="network">The network.</param>
internal sealed class SmallWriter(GraphWriter graph, TracedNetwork network)
{
    private const int Images = 2;

    private readonly string[] values = new string[network.Smalls.Count];
    private readonly long[]?[] shapes = new long[]?[network.Smalls.Count];

    /// <summary>What a small tensor is called.</summary>
    public string Value(int small) =>
        values[small] ?? throw new RefusedLayerException("is a part of a reduction that is not written as ONNX");

    /// <summary>A small tensor with dimensions for rows and columns.</summary>
    public string AtEachPosition(int small) => shapes[small]!.Length == 2
        ? graph.Node("Unsqueeze", Value(small) + ".positions", [Value(small), graph.Integers(2, 3)])
        : Value(small);

    /// <summary>What a small tensor is made of, as it is written.</summary>
    public IEnumerable<TracedOutput> Read(SmallNode small)
    {
        if (MeanOf(small) is { } map)
            return [new(false, map)];
        return small.Function is null
            ? network.Reductions[small.Reduction].Operands.Select(operand => new TracedOutput(false, operand))
            : small.Inputs.Select(input => new TracedOutput(true, input));
    }

    /// <summary>Remembers a small tensor that was written.</summary>
    public void Keep(int small, string value, long[] shape) => (values[small], shapes[small]) = (value, shape);

    /// <summary>The shape of a small tensor for a map of some channels, or of some more dimensions of one value.</summary>
    public static long[] Shape(long channels, params long[] more) => [Images, channels, .. more];

    /// <summary>Writes a small tensor.</summary>
    /// <param name="small">It.</param>
    /// <param name="maps">What the maps are called.</param>
    public string Write(SmallNode small, string[] maps)
    {
        (values[small.Index], shapes[small.Index]) = small.Function is { } function
            ? Computed(small, function, maps)
            : Reduced(network.Reductions[small.Reduction], small, maps);
        return values[small.Index];
    }

    private (string Value, long[] Shape) Reduced(ReductionNode reduction, SmallNode small, string[] maps)
    {
        var operand = reduction.Operands[0];
        var shape = Shape(network.Maps[operand].Channels);
        return reduction.Kind switch
        {
            MaxReduction =>
                (graph.Node("ReduceMax", small.Path, [maps[operand]], PoolingWriters.Positions(), PoolingWriters.Keeps(false)), shape),
            SoftmaxSumReduction when small.Result == 0 =>
                (PoolingWriters.SoftmaxSum(graph, small.Path, maps[operand], maps[reduction.Operands[1]]), shape),
            _ => throw new RefusedLayerException("is a part of a reduction that is not written as ONNX"),
        };
    }

    private (string Value, long[] Shape) Computed(SmallNode small, SmallFunction function, string[] maps)
    {
        if (MeanOf(small) is { } map)
            return (
                graph.Node("ReduceMean", small.Path, [maps[map]], PoolingWriters.Positions(), PoolingWriters.Keeps(false)),
                Shape(network.Maps[map].Channels));

        if (small.Inputs is not [var input])
            throw new RefusedLayerException("is a function of small tensors that is not written as ONNX");
        using var scope = NewDisposeScope();
        var sample = rand(shapes[input] ?? throw new RefusedLayerException("is of something that is not written as ONNX"));
        var result = function.Compute([sample]);
        if (function.Modules.Count > 0)
            return (OfModule(function.Modules[0], small.Path, Value(input), sample.dim()), result.shape);
        if (result.numel() == sample.numel() && result.shape[0] == Images && result.reshape(-1).eq(sample.reshape(-1)).all().item<bool>())
            return (graph.Node("Reshape", small.Path, [Value(input), graph.Integers([0, .. result.shape[1..]])]), result.shape);
        return result.shape.SequenceEqual(sample.shape) && result.allclose(sample.sigmoid())
            ? (graph.Node("Sigmoid", small.Path, [Value(input)]), result.shape)
            : throw new RefusedLayerException("is a function of small tensors that is not written as ONNX");
    }

    /// <summary>
    /// The map of which a small tensor is the mean over all positions, which is a sum over a count; null where it is none.
    /// </summary>
    private int? MeanOf(SmallNode small) => small.Function is { Name: "Mean" }
        && small.Inputs.Select(input => network.Smalls[input]).ToArray() is [{ Result: 0 } sum, { Result: 1 } count]
        && sum.Reduction >= 0
        && sum.Reduction == count.Reduction
        && network.Reductions[sum.Reduction].Kind is SumReduction
            ? network.Reductions[sum.Reduction].Operands[0]
            : null;

    private string OfModule(Module module, string name, string input, long dimensions) => module switch
    {
        // What is flattened has two dimensions for those behind it.
        Sequential sequential => sequential.named_children().Aggregate(
            (Value: input, Dimensions: dimensions),
            (at, child) => (
                OfModule(child.module, $"{name}.{child.name}", at.Value, at.Dimensions),
                child.module is Flatten ? 2 : at.Dimensions)).Value,
        Dropout or Identity => input,
        Flatten => graph.Node("Flatten", name, [input]),
        Linear linear when dimensions == 2 => graph.Node(
            "Gemm",
            name,
            [
                input,
                graph.Parameter(linear.weight, name + ".weight"),
                .. linear.bias is { } bias ? (string[])[graph.Parameter(bias, name + ".bias")] : [],
            ],
            ("transB", LayerWriters.Whole(1))),
        Linear or LayerNorm or Softmax => throw new RefusedLayerException(
            "acts on the last dimension of a small tensor of several, which is not written as ONNX"),
        _ => LayerWriters.Write(module, graph, name, input),
    };
}
