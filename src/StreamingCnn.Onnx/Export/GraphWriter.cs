using StreamingCnn.Onnx.Format;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Export;

/// <summary>Collects the nodes and initialisers of a file.</summary>
internal sealed class GraphWriter
{
    /// <summary>Name of the input.</summary>
    public const string Image = "image";

    private readonly List<OnnxNode> nodes = [];
    private readonly Dictionary<string, OnnxTensor> initialisers = [];
    private readonly HashSet<string> values = [Image];
    private readonly Dictionary<IntPtr, string> names = [];

    /// <param name="network">The network, whose parameters keep their names; null where there is none.</param>
    public GraphWriter(Module? network = null)
    {
        if (network is null)
            return;
        foreach (var (name, parameter) in network.named_parameters())
            names.TryAdd(parameter.Handle, name);
        foreach (var (name, buffer) in network.named_buffers())
            names.TryAdd(buffer.Handle, name);
    }

    /// <summary>The nodes so far.</summary>
    public IReadOnlyList<OnnxNode> Nodes => nodes;

    /// <summary>The initialisers so far.</summary>
    public IReadOnlyList<OnnxTensor> Initialisers => [.. initialisers.Values];

    /// <summary>Adds a node with one output.</summary>
    /// <param name="operation">The operator.</param>
    /// <param name="name">What it and its output are called, if that is free.</param>
    /// <param name="inputs">What it reads.</param>
    /// <param name="attributes">Its settings.</param>
    /// <returns>The name of the output.</returns>
    public string Node(string operation, string name, string[] inputs, params (string Name, OnnxAttribute Value)[] attributes) =>
        Several(operation, name, inputs, 1, attributes)[0];

    /// <summary>Adds a node with several outputs, which are numbered behind the first.</summary>
    /// <param name="operation">The operator.</param>
    /// <param name="name">What it and its first output are called, if that is free.</param>
    /// <param name="inputs">What it reads.</param>
    /// <param name="outputs">How many there are.</param>
    /// <param name="attributes">Its settings.</param>
    /// <returns>The names of the outputs.</returns>
    public IReadOnlyList<string> Several(
        string operation, string name, string[] inputs, int outputs, params (string Name, OnnxAttribute Value)[] attributes)
    {
        string[] free = [.. Enumerable.Range(0, outputs).Select(_ => Free(name))];
        nodes.Add(new()
        {
            Name = free[0],
            Operator = operation,
            Inputs = inputs,
            Outputs = free,
            Attributes = attributes.ToDictionary(entry => entry.Name, entry => entry.Value),
        });
        return free;
    }

    /// <summary>A parameter or buffer of the network, as an initialiser.</summary>
    /// <param name="tensor">The parameter.</param>
    /// <param name="fallback">What it is called where the network has no name for it.</param>
    /// <param name="shape">Another shape that it is to have, which its name then says.</param>
    public string Parameter(Tensor tensor, string fallback, params long[] shape)
    {
        var name = names.GetValueOrDefault(tensor.Handle, fallback);
        using var values = (shape.Length == 0 ? tensor : tensor.reshape(shape)).to(ScalarType.Float32);
        return Add(OnnxTensor.Of(name, values));
    }

    /// <summary>Values made of parameters, as an initialiser.</summary>
    public string Tensor(string name, Tensor values)
    {
        using var single = values.to(ScalarType.Float32);
        return Add(OnnxTensor.Of(name, single));
    }

    /// <summary>Numbers for channels, [1, C, 1, 1].</summary>
    public string Numbers(string name, IReadOnlyList<double> numbers)
    {
        using var values = tensor(numbers.ToArray(), dtype: ScalarType.Float32);
        using var laid = values.reshape(1, -1, 1, 1);
        return Add(OnnxTensor.Of(name, laid));
    }

    /// <summary>A number.</summary>
    public string Number(double number)
    {
        using var one = tensor(new[] { (float)number });
        using var value = one.reshape([]);
        return Add(OnnxTensor.Of(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"const::{number:R}"), value));
    }

    /// <summary>Whole numbers.</summary>
    public string Integers(params long[] numbers) => Add(OnnxTensor.Of($"const::[{string.Join(",", numbers)}]", numbers));

    /// <summary>A whole number without a dimension.</summary>
    public string Integer(long number)
    {
        using var one = tensor(number);
        return Add(OnnxTensor.Of($"const::{number}i", one));
    }

    /// <summary>Whole numbers of a shape.</summary>
    public string Indices(string name, long[] numbers, params long[] shape)
    {
        using var values = tensor(numbers, shape);
        return Add(OnnxTensor.Of(name, values));
    }

    private string Free(string name)
    {
        var free = name;
        for (var number = 2; !values.Add(free); number++)
            free = $"{name}_{number}";
        return free;
    }

    private string Add(OnnxTensor tensor)
    {
        initialisers[tensor.Name] = tensor;
        return tensor.Name;
    }
}
