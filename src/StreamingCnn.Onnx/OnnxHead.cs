using StreamingCnn.Onnx.Import;

namespace StreamingCnn.Onnx;

/// <summary>
/// A network from a file of ONNX that gives a small tensor, such as the scores of classes. <see cref="OnnxNetwork"/> makes it.
/// </summary>
public sealed class OnnxHead : StreamingHead
{
    private readonly ImportedNetwork network;

    internal OnnxHead(OnnxSource source, ImportedGraph graph, SmallValue output, string name)
        : base(nameof(OnnxHead)) => network = new(source, graph, output.Slot, name, this);

    /// <summary>Channels of the image.</summary>
    public long Channels => network.Channels;

    /// <summary>The file's name of what comes out.</summary>
    public string Output => network.Output;

    /// <summary>Writes the network as a file of ONNX, with the weights that it has now.</summary>
    /// <param name="path">The file; replaced in one step.</param>
    /// <exception cref="NotSupportedException">Parameters that were one in the file have become different.</exception>
    public void Save(string path) => network.File.Save(path);

    /// <inheritdoc/>
    public override GlobalTensor Trace(FeatureMap input) => (GlobalTensor)network.Trace(input);
}
