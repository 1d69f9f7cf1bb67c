using StreamingCnn.Onnx.Format;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Tests;

/// <summary>
/// A small network that a test writes node by node. Values are called by their operators: "x" comes in, the last comes out.
/// </summary>
internal sealed class Network
{
    private readonly List<OnnxNode> nodes = [];
    private readonly List<OnnxTensor> initialisers = [];

    public long Opset { get; init; } = 13;

    public long Channels { get; init; } = 6;

    public (long? Height, long? Width) Size { get; init; }

    /// <summary>Adds a node whose output has its operator's name, or that and a number.</summary>
    public Network Node(string name, string[] inputs, params (string Name, object Value)[] attributes) => Node(name, inputs, 1, attributes);

    public Network Node(string name, string[] inputs, int outputs, params (string Name, object Value)[] attributes)
    {
        var output = nodes.Exists(node => node.Outputs[0] == name) ? $"{name}{nodes.Count}" : name;
        nodes.Add(new()
        {
            Name = $"node.{output}",
            Operator = name,
            Inputs = inputs,
            Outputs = outputs == 1 ? [output] : [.. Enumerable.Range(0, outputs).Select(i => $"{output}.{i}")],
            Attributes = attributes.ToDictionary(entry => entry.Name, entry => Attribute(entry.Value)),
        });
        return this;
    }

    public Network Weights(string name, params long[] shape) => Add(OnnxTensor.Of(name, randn(shape, ScalarType.Float32) * 0.5f));

    public Network Positive(string name, params long[] shape) => Add(OnnxTensor.Of(name, rand(shape, ScalarType.Float32) + 0.5f));

    public Network Numbers(string name, params float[] values) => Add(OnnxTensor.Of(name, tensor(values)));

    public Network Number(string name, float value) => Add(OnnxTensor.Of(name, tensor(value)));

    public Network Integers(string name, params long[] values) => Add(OnnxTensor.Of(name, values));

    /// <summary>Writes the file.</summary>
    public string Write(TemporaryFolder folder, string? output = null)
    {
        var path = folder.File("net.onnx");
        using var file = File.Create(path);
        ModelWriter.Write(file, Model(output));
        return path;
    }

    public OnnxModel Model(string? output = null) => new()
    {
        Opset = Opset,
        Graph = new()
        {
            Name = "test",
            Nodes = nodes,
            Initialisers = initialisers,
            Inputs = [new("x", OnnxType.Float32, [null, Channels, Size.Height, Size.Width]) { Names = ["n", "", "h", "w"] }],
            Outputs = [new(output ?? nodes[^1].Outputs[0], OnnxType.Float32, null)],
        },
    };

    private Network Add(OnnxTensor tensor)
    {
        initialisers.Add(tensor);
        return this;
    }

    private static OnnxAttribute Attribute(object value) => value switch
    {
        int integer => new() { Integer = integer },
        float single => new() { Single = single },
        string text => new() { Text = text },
        long[] integers => new() { Integers = integers },
        float[] singles => new() { Singles = singles },
        OnnxTensor tensor => new() { Tensor = tensor },
        _ => throw new ArgumentException($"No attribute is a {value.GetType().Name}."),
    };
}
