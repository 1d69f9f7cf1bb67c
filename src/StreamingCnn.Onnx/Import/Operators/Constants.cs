using StreamingCnn.Onnx.Format;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>What follows from values in the file alone, and is computed once.</summary>
internal static class Constants
{
    // More than weights ever are rearranged to; expansions that a file asks for are bounded by it.
    private const long MostValues = 1 << 27;

    /// <summary>Constant.</summary>
    public static OnnxValue Constant(NodeContext node)
    {
        var attributes = node.Node.Attributes;
        if (attributes.GetValueOrDefault("value") is { Tensor: { } held })
            return new ConstantValue(held with { Name = node.Node.Outputs[0] }, Learns: false);
        using var scope = NewDisposeScope();
        var values = attributes.FirstOrDefault() switch
        {
            { Key: "value_float", Value.Single: { } single } => tensor(new[] { single }).reshape([]),
            { Key: "value_int", Value.Integer: { } integer } => tensor(new[] { integer }).reshape([]),
            { Key: "value_floats", Value.Singles: { } singles } => tensor([.. singles]),
            { Key: "value_ints", Value.Integers: { } integers } => tensor([.. integers]),
            _ => throw new RefusedNodeException("holds neither numbers nor a tensor"),
        };
        return new ConstantValue(OnnxTensor.Of(node.Node.Outputs[0], values), Learns: false);
    }

    /// <summary>Identity; the values of an initialiser go by the name that they are given here.</summary>
    public static OnnxValue Identity(NodeContext node) => node.Input(0) is ConstantValue constant
        ? constant with { Tensor = constant.Tensor with { Name = node.Node.Outputs[0] } }
        : node.Input(0);

    /// <summary>What a function makes of values in the file.</summary>
    public static ConstantValue Applied(NodeContext node, Func<Tensor, Tensor> function, ConstantValue value) =>
        Folded(node, values => function(values[0]), value);

    /// <summary>What a function makes of several values in the file.</summary>
    public static ConstantValue Folded(NodeContext node, Func<Tensor[], Tensor> function, params ConstantValue[] values)
    {
        using var scope = NewDisposeScope();
        try
        {
            var result = function([.. values.Select(value => value.Tensor.ToTensor())]);
            if (result.numel() > MostValues)
                throw new RefusedNodeException($"makes {result.numel()} values of constants");
            if (result.dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int64))
                result = result.to(ScalarType.Int64);
            return new(OnnxTensor.Of(node.Node.Outputs[0], result), Learns: false);
        }
        catch (System.Runtime.InteropServices.ExternalException reason)
        {
            throw new RefusedNodeException($"cannot be computed: {reason.Message.Split('\n')[0]}");
        }
    }

    /// <summary>Cast, which changes nothing of maps: they have the network's type.</summary>
    public static OnnxValue Cast(NodeContext node)
    {
        var isFloating = (OnnxType)node.Integer("to", 1) is OnnxType.Float32 or OnnxType.Float64 or OnnxType.Float16 or OnnxType.BFloat16;
        return node.Input(0) switch
        {
            ConstantValue constant when constant.Tensor.IsFloating && isFloating => constant,
            ConstantValue constant => Applied(node, x => isFloating ? x.to(ScalarType.Float32) : x.to(ScalarType.Int64), constant),
            ShapeValue shape => shape,
            var input => isFloating ? input : throw new RefusedNodeException("makes whole numbers of a map"),
        };
    }

    /// <summary>ConstantOfShape, of a shape that is known.</summary>
    public static OnnxValue OfShape(NodeContext node)
    {
        var shape = node.IntegersOf("shape", 0)!;
        if (shape.Any(side => side < 0) || shape.Aggregate((Int128)1, (product, side) => product * side) > MostValues)
            throw new RefusedNodeException($"asks for the shape [{string.Join(", ", shape)}]");
        using var scope = NewDisposeScope();
        var value = node.Node.Attributes.GetValueOrDefault("value")?.Tensor;
        var one = value is null ? zeros(1) : value.ToTensor();
        return new ConstantValue(OnnxTensor.Of(node.Node.Outputs[0], one.reshape(1).expand(shape)), Learns: false);
    }
}
