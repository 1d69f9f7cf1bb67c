using StreamingCnn.Interop.Weights;
using StreamingCnn.Onnx.Format;
using StreamingCnn.Onnx.Import;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx;

/// <summary>The file that an imported network was made of, as it would be written now.</summary>
/// <param name="source">The file.</param>
/// <param name="builder">What the network was made with.</param>
/// <param name="output">The value that comes out.</param>
internal sealed class ImportedFile(OnnxSource source, NetworkBuilder builder, string output)
{
    // Where initialisers need not stand among the inputs as well.
    private const long IrVersion = 4;

    /// <summary>Writes it with the weights that the network has now.</summary>
    public void Save(string path)
    {
        if (builder.WithoutInitialiser.Count > 0)
        {
            throw new NotSupportedException(
                $"The network cannot be written as ONNX, since the parameters of '{Excerpt.Of(builder.WithoutInitialiser[0])}' have another shape than in its file.");
        }

        var model = Model(name => Now(name));
        AtomicFile.Write(path, file => ModelWriter.Write(file, model));
    }

    /// <summary>It without the values of its parameters.</summary>
    public byte[] Structure()
    {
        using var stream = new MemoryStream();
        ModelWriter.Write(stream, Model(name => null));
        return stream.ToArray();
    }

    private OnnxModel Model(Func<string, Tensor?> values)
    {
        using var scope = NewDisposeScope();
        var graph = source.Model.Graph;
        // What an Identity gives a name is an initialiser of its own by now.
        var nodes = NodeOrder.Of(graph.Nodes, [output])
            .Where(node => node.Operator != "Identity" || !builder.Initialisers.ContainsKey(node.Outputs[0])).ToArray();
        var read = nodes.SelectMany(node => node.Inputs).ToHashSet();
        var known = graph.Initialisers.ToDictionary(tensor => tensor.Name);
        return source.Model with
        {
            IrVersion = Math.Max(IrVersion, source.Model.IrVersion),
            Graph = graph with
            {
                Nodes = nodes,
                Initialisers = [.. read.Where(name => known.ContainsKey(name) || builder.Initialisers.ContainsKey(name)).Select(Written)],
                Inputs = [.. graph.Inputs.Where(input => !known.ContainsKey(input.Name)).Select(Named)],
                Outputs = [graph.Outputs.FirstOrDefault(info => info.Name == output) ?? new(output, OnnxType.Float32, null)],
            },
        };

        OnnxTensor Written(string name)
        {
            if (!builder.Initialisers.ContainsKey(name))
                return known[name];
            var file = Original(name);
            return values(name) is { } now
                ? OnnxTensor.Of(name, now.to(file.DataType).reshape([.. file.Shape]))
                : file with { Name = name, Parts = [] };
        }

        OnnxTensor Original(string name)
        {
            while (!known.ContainsKey(name))
                name = graph.Nodes.First(node => node.Outputs.Contains(name)).Inputs[0];
            return known[name];
        }
    }

    /// <summary>The values of an initialiser, of which several layers may have their own.</summary>
    private Tensor Now(string name)
    {
        var all = builder.Initialisers[name].Select(find => find()).ToArray();
        return all[1..].All(other => other.eq(all[0]).all().item<bool>())
            ? all[0]
            : throw new NotSupportedException(
                $"The initialiser '{Excerpt.Of(name)}' stands for parameters of several layers that training has made different, and cannot be written as one.");
    }

    /// <summary>An input whose open sides have names, as the format wants them.</summary>
    private static OnnxValueInfo Named(OnnxValueInfo input) => input with
    {
        Shape = input.Shape ?? [null, null, null, null],
        Names = ["n", "channels", "height", "width"],
    };
}
