using StreamingCnn.Onnx.Format;
using StreamingCnn.Onnx.Import;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx;

/// <summary>
/// Networks from files of ONNX, which stream and train like any other. Layers and parameters have the file's names, and the sizes of
/// images that a file states do not bind. What comes back is in evaluation mode.
/// </summary>
public static class OnnxNetwork
{
    /// <summary>Operators that stand behind a trunk in a classifier, where what they would need of its map is not looked at.</summary>
    private static readonly HashSet<string> OfClassifiers = new(StringComparer.Ordinal)
    {
        "Flatten", "Reshape", "Gemm", "MatMul", "Add", "Mul", "Sub", "Div", "Relu", "Clip", "LeakyRelu", "Dropout", "Identity", "Softmax",
        "LogSoftmax", "Sigmoid", "BatchNormalization", "Squeeze", "Unsqueeze", "Tanh", "Elu",
    };

    /// <summary>Those among them that end a trunk: what comes out is no map.</summary>
    private static readonly HashSet<string> EndsOfTrunks =
        new(StringComparer.Ordinal) { "Flatten", "Reshape", "Gemm", "MatMul", "Squeeze" };

    /// <summary>The whole network, from an image to its output: a map, or a small tensor such as the scores of classes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="output">The output's name, where there are several; any value in the file may be named. Null for the first.</param>
    /// <returns>An <see cref="OnnxTrunk"/> or an <see cref="OnnxHead"/>, which a <see cref="StreamingModule"/> streams.</returns>
    /// <exception cref="OnnxFileException">The file cannot be read.</exception>
    /// <exception cref="UnsupportedOnnxException">Nodes of it cannot be streamed; the message names each.</exception>
    public static Module<Tensor, Tensor> Load(string path, string? output = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        var source = OnnxSource.Read(path);
        return source.Guarded(() => Load(source, output));
    }

    /// <summary>
    /// The part of a network that gives maps: what stands before a classifier's pooling. Of a network that gives maps it is the whole.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="OnnxFileException">The file cannot be read.</exception>
    /// <exception cref="UnsupportedOnnxException">Nodes of it cannot be streamed; the message names each.</exception>
    public static OnnxTrunk LoadTrunk(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var source = OnnxSource.Read(path);
        return source.Guarded(() => Trunk(source));
    }

    /// <summary>The network whose structure <see cref="OnnxTrunk.Structure"/> gave, with weights of 0, which are to be loaded.</summary>
    /// <param name="structure">The structure.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <exception cref="OnnxFileException">It is damaged.</exception>
    /// <exception cref="UnsupportedOnnxException">Nodes of it cannot be streamed; the message names each.</exception>
    public static OnnxTrunk FromStructure(ReadOnlyMemory<byte> structure, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var source = OnnxSource.OfStructure(structure, name);
        return source.Guarded(() => Trunk(source));
    }

    private static Module<Tensor, Tensor> Load(OnnxSource source, string? output)
    {
        var name = output ?? source.FirstOutput;
        // What the output is shows while the network is put together.
        var root = new ImportedParts();
        var graph = new ImportedGraph(source.Model, root, [name]);
        source.Refuse(graph.Refusals);
        return graph[name] switch
        {
            MapValue map => new OnnxTrunk(source, graph, Plain(graph, map, name), name),
            SmallValue small => new OnnxHead(source, graph, small, name),
            null => throw new WireFormatException($"has no value '{name}'; its outputs are {source.OutputNames}"),
            _ => throw new WireFormatException($"gives '{name}' without looking at the image"),
        };
    }

    private static OnnxTrunk Trunk(OnnxSource source)
    {
        var output = source.FirstOutput;
        var root = new ImportedParts();
        var graph = new ImportedGraph(source.Model, root, [output]);
        var last = graph.Nodes.Select((node, index) => (node, index))
            .LastOrDefault(
                entry => entry.node.Outputs.Any(value => graph[value] is MapValue { } map && Layout.Plain(map, graph.Builder) is not null));
        if (last.node is null)
        {
            source.Refuse(graph.Refusals);
            throw new WireFormatException("gives no map of its image");
        }

        // What cannot be is forgiven behind the trunk alone, and there only in what classifiers are made of.
        var isClassifier = graph.Refusals.All(refusal => EndsOfTrunks.Contains(refusal.Operator))
            && graph.Nodes.Where(node => node.Outputs.Any(graph.IsLost)).All(node => OfClassifiers.Contains(node.Operator));
        var name = last.node.Outputs.Last(value => graph[value] is MapValue);
        if (graph.Refusals.Count > 0 && !isClassifier)
            source.Refuse(graph.Refusals);
        if (name == output)
            return new(source, graph, Plain(graph, (MapValue)graph[name]!, name), name);
        // What only the classifier is made of is not a part of the trunk.
        var parts = new ImportedParts();
        var trunk = new ImportedGraph(source.Model, parts, [name]);
        source.Refuse(trunk.Refusals);
        root.Dispose();
        return new(source, trunk, Plain(trunk, (MapValue)trunk[name]!, name), name);
    }

    private static MapValue Plain(ImportedGraph graph, MapValue map, string name) => Layout.Plain(map, graph.Builder)
        ?? throw new WireFormatException(
            $"gives '{name}' reshaped or transposed, where a map of images, channels, rows and columns is needed");
}
