using StreamingCnn.Onnx.Import;

namespace StreamingCnn.Onnx;

/// <summary>A network from a file of ONNX that gives a map. <see cref="OnnxNetwork"/> makes it.</summary>
public sealed class OnnxTrunk : StreamingBlock
{
    private readonly ImportedProgram program;
    private readonly ImportedFile file;

    internal OnnxTrunk(OnnxSource source, ImportedGraph graph, MapValue output, string name)
        : base(nameof(OnnxTrunk))
    {
        (Channels, OutputChannels, Output) = (graph.Channels, output.Channels, name);
        program = graph.Builder.Program(output.Slot);
        file = new(source, graph.Builder, name);
        graph.Builder.Tree.MoveTo(this);
        eval();
    }

    /// <summary>Channels of the image.</summary>
    public long Channels { get; }

    /// <summary>Channels of the map that comes out.</summary>
    public long OutputChannels { get; }

    /// <summary>The file's name of what comes out.</summary>
    public string Output { get; }

    /// <summary>Writes the network as a file of ONNX, with the weights that it has now.</summary>
    /// <param name="path">The file; replaced in one step.</param>
    /// <exception cref="NotSupportedException">Parameters that were one in the file have become different.</exception>
    public void Save(string path) => file.Save(path);

    /// <summary>The network without its weights, which <see cref="OnnxNetwork.FromStructure"/> reads.</summary>
    public byte[] Structure() => file.Structure();

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return (FeatureMap)program.Trace(input)[0];
    }
}
