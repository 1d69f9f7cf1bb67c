using StreamingCnn.Onnx.Import;

namespace StreamingCnn.Onnx;

/// <summary>A network from a file of ONNX that gives a map. <see cref="OnnxNetwork"/> makes it.</summary>
public sealed class OnnxTrunk : StreamingBlock
{
    private readonly ImportedNetwork network;

    internal OnnxTrunk(OnnxSource source, ImportedGraph graph, MapValue output, string name)
        : base(nameof(OnnxTrunk))
    {
        OutputChannels = output.Channels;
        network = new(source, graph, output.Slot, name, this);
    }

    /// <summary>Channels of the image.</summary>
    public long Channels => network.Channels;

    /// <summary>Channels of the map that comes out.</summary>
    public long OutputChannels { get; }

    /// <summary>The file's name of what comes out.</summary>
    public string Output => network.Output;

    /// <summary>Writes the network as a file of ONNX, with the weights that it has now.</summary>
    /// <param name="path">The file; replaced in one step.</param>
    /// <exception cref="NotSupportedException">Parameters that were one in the file have become different.</exception>
    public void Save(string path) => network.File.Save(path);

    /// <summary>The network without its weights, which <see cref="OnnxNetwork.FromStructure"/> reads.</summary>
    public byte[] Structure() => network.File.Structure();

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input) => (FeatureMap)network.Trace(input);
}
