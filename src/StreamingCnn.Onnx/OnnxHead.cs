using StreamingCnn.Onnx.Import;

namespace StreamingCnn.Onnx;

/// <summary>A network from a file of ONNX that gives a small tensor, such as the scores of classes. <see cref="OnnxNetwork"/> makes it.</summary>
public sealed class OnnxHead : StreamingHead
{
    private readonly ImportedProgram program;
    private readonly ImportedFile file;

    internal OnnxHead(OnnxSource source, ImportedGraph graph, SmallValue output, string name)
        : base(nameof(OnnxHead))
    {
        (Channels, Output) = (graph.Channels, name);
        program = graph.Builder.Program(output.Slot);
        file = new(source, graph.Builder, name);
        graph.Builder.Tree.MoveTo(this);
        eval();
    }

    /// <summary>Channels of the image.</summary>
    public long Channels { get; }

    /// <summary>The file's name of what comes out.</summary>
    public string Output { get; }

    /// <summary>Writes the network as a file of ONNX, with the weights that it has now.</summary>
    /// <param name="path">The file; replaced in one step.</param>
    /// <exception cref="NotSupportedException">Parameters that were one in the file have become different.</exception>
    public void Save(string path) => file.Save(path);

    /// <inheritdoc/>
    public override GlobalTensor Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return (GlobalTensor)program.Trace(input)[0];
    }
}
