using StreamingCnn.Graph;
using StreamingCnn.Onnx.Import;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx;

/// <summary>What a network from a file is made of, whatever it gives.</summary>
internal sealed class ImportedNetwork
{
    private readonly ImportedProgram program;

    /// <param name="source">The file.</param>
    /// <param name="graph">What was made of it.</param>
    /// <param name="slot">Where its output stands.</param>
    /// <param name="output">What that is called.</param>
    /// <param name="network">The module that it becomes, in evaluation mode.</param>
    public ImportedNetwork(OnnxSource source, ImportedGraph graph, int slot, string output, Module network)
    {
        (Channels, Output) = (graph.Channels, output);
        program = graph.Builder.Program(slot);
        File = new(source, graph.Builder, output);
        graph.Builder.Tree.MoveTo(network);
        network.eval();
    }

    /// <summary>Channels of the image.</summary>
    public long Channels { get; }

    /// <summary>The file's name of what comes out.</summary>
    public string Output { get; }

    /// <summary>The file as it would be written now.</summary>
    public ImportedFile File { get; }

    /// <summary>Describes the computation.</summary>
    public NetworkValue Trace(FeatureMap image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return program.Trace(image)[0];
    }
}
