namespace StreamingCnn.Onnx.Format;

/// <summary>What a file of ONNX holds, as it stands there.</summary>
internal sealed record OnnxModel
{
    /// <summary>The version of the operators' meaning.</summary>
    public required long Opset { get; init; }

    /// <summary>The version of the file's structure.</summary>
    public long IrVersion { get; init; } = 8;

    /// <summary>The program that wrote it.</summary>
    public string Producer { get; init; } = "";

    /// <summary>The network.</summary>
    public required OnnxGraph Graph { get; init; }

    /// <summary>What else is said of it.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metadata { get; init; } = [];
}

/// <summary>A network: nodes that read and give values, each by its name.</summary>
internal sealed record OnnxGraph
{
    /// <summary>The graph's name.</summary>
    public string Name { get; init; } = "";

    /// <summary>The nodes, in an order in which they can be computed.</summary>
    public required IReadOnlyList<OnnxNode> Nodes { get; init; }

    /// <summary>The values that are given in the file.</summary>
    public required IReadOnlyList<OnnxTensor> Initialisers { get; init; }

    /// <summary>The values that come from outside. Old files list the initialisers there as well.</summary>
    public required IReadOnlyList<OnnxValueInfo> Inputs { get; init; }

    /// <summary>The values that are the result.</summary>
    public required IReadOnlyList<OnnxValueInfo> Outputs { get; init; }
}

/// <summary>An operator, and the values that it reads and gives.</summary>
internal sealed record OnnxNode
{
    /// <summary>The node's name, which may be missing.</summary>
    public string Name { get; init; } = "";

    /// <summary>What it computes.</summary>
    public required string Operator { get; init; }

    /// <summary>Whose operator it is; ONNX's own where it is empty.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Names of the values that it reads; one that is left out is empty.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>Names of the values that it gives; one that is left out is empty.</summary>
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <summary>Its settings by name.</summary>
    public IReadOnlyDictionary<string, OnnxAttribute> Attributes { get; init; } = new Dictionary<string, OnnxAttribute>();

    /// <summary>What it is called in messages: its name, or that of what it gives.</summary>
    public string Title => Name.Length > 0 ? Name : Outputs.FirstOrDefault(output => output.Length > 0) ?? "";
}

/// <summary>A setting of a node: the one of these that is there.</summary>
internal sealed record OnnxAttribute
{
    /// <summary>A number.</summary>
    public float? Single { get; init; }

    /// <summary>A whole number.</summary>
    public long? Integer { get; init; }

    /// <summary>Text.</summary>
    public string? Text { get; init; }

    /// <summary>A tensor.</summary>
    public OnnxTensor? Tensor { get; init; }

    /// <summary>Numbers.</summary>
    public IReadOnlyList<float>? Singles { get; init; }

    /// <summary>Whole numbers.</summary>
    public IReadOnlyList<long>? Integers { get; init; }

    /// <summary>Whether it is a graph of its own, which is not read.</summary>
    public bool IsGraph { get; init; }
}

/// <summary>Name, type and size of an input or an output.</summary>
/// <param name="Name">The name.</param>
/// <param name="Type">Type of its elements; 0 where it is not a tensor.</param>
/// <param name="Shape">Its dimensions, null for one that is open; null where nothing is said.</param>
internal sealed record OnnxValueInfo(string Name, OnnxType Type, IReadOnlyList<long?>? Shape)
{
    /// <summary>Names of dimensions that are open, to be written.</summary>
    public IReadOnlyList<string>? Names { get; init; }
}
