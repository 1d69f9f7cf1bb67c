using StreamingCnn.Graph;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Onnx.Export;
using StreamingCnn.Onnx.Format;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx;

/// <summary>Writes networks as files of ONNX, which run anywhere, on images of any size.</summary>
public static class OnnxExport
{
    private const long Opset = 17;

    /// <summary>
    /// Writes a network as it is in evaluation mode: a trunk of the catalogue, a block or a head of your own, a Sequential. Its
    /// parameters have the names that they have here. What was imported writes itself: <see cref="OnnxTrunk.Save"/>.
    /// </summary>
    /// <param name="network">The network; it is left in the mode that it is in.</param>
    /// <param name="path">The file; replaced in one step.</param>
    /// <param name="options">What goes in besides; null for the defaults.</param>
    /// <exception cref="UnsupportedOnnxException">A layer has no form in ONNX; the message names it.</exception>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed.</exception>
    public static void Write(Module<Tensor, Tensor> network, string path, OnnxExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(path);
        options ??= new();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var model = Model(network, options);
        AtomicFile.Write(path, file => ModelWriter.Write(file, model));
    }

    internal static OnnxModel Model(Module<Tensor, Tensor> network, OnnxExportOptions options)
    {
        var modes = network.modules().Prepend(network).Select(module => (module, module.training)).ToArray();
        network.eval();
        try
        {
            var graph = new GraphWriter(network);
            var traced = GraphBuilder.Trace(network, options.Channels, frozenBatchNorm: true);
            var output = new NetworkWriter(graph, traced).Write(Prepared(graph, options));
            graph.Node("Identity", "output", [output]);
            return new()
            {
                Opset = Opset,
                Producer = nameof(StreamingCnn),
                Graph = new()
                {
                    Name = network.GetType().Name,
                    Nodes = graph.Nodes,
                    Initialisers = graph.Initialisers,
                    Inputs = [
                        new(
                            GraphWriter.Image,
                            OnnxType.Float32,
                            [null, options.Channels, null, null]) { Names = ["n", "", "height", "width"] }
                    ],
                    Outputs = [new("output", OnnxType.Float32, null)],
                },
                Metadata = [.. options.Metadata],
            };
        }
        finally
        {
            foreach (var (module, isTraining) in modes.Reverse())
                module.train(isTraining);
        }
    }

    /// <summary>The image as the network wants it.</summary>
    private static string Prepared(GraphWriter graph, OnnxExportOptions options)
    {
        if (options.Preprocessing is not var (mean, deviation))
            return GraphWriter.Image;
        if (mean.Count != options.Channels || deviation.Count != options.Channels)
        {
            throw new ArgumentException(
                $"There are {mean.Count} means and {deviation.Count} deviations for {options.Channels} channel(s); give one of each for a channel.",
                nameof(options));
        }

        var centred = graph.Node("Sub", "preprocessing.centred", [GraphWriter.Image, graph.Numbers("preprocessing.mean", mean)]);
        return graph.Node("Div", "preprocessing.scaled", [centred, graph.Numbers("preprocessing.deviation", deviation)]);
    }
}
