using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Tests.Export;

/// <summary>A network as a file: what ONNX Runtime makes of it, and what it is when it comes back.</summary>
internal static class Exported
{
    private const double Tolerance = 1e-5;
    private const double MostRounding = 1e-4;

    /// <summary>
    /// Gives parameters and statistics values that no initialisation has, so that none of them can be left out unnoticed.
    /// </summary>
    public static void Disturb(Module network)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        foreach (var parameter in network.parameters())
            parameter.add_(randn_like(parameter) * 0.02f);
        foreach (var (name, buffer) in network.named_buffers())
        {
            if (name.EndsWith("running_mean", StringComparison.Ordinal))
                buffer.normal_(0, 0.1);
            else if (name.EndsWith("running_var", StringComparison.Ordinal))
                buffer.uniform_(0.7, 1.3);
        }
    }

    /// <summary>Writes a network, and compares what comes of it at two sizes: in ONNX Runtime, and imported again.</summary>
    /// <param name="network">The network, which is left in evaluation mode.</param>
    /// <param name="folder">Where it is written.</param>
    /// <param name="height">Height of the first image.</param>
    /// <param name="width">Width of the first image.</param>
    /// <param name="channels">Channels of the images.</param>
    /// <param name="roundsALot">
    /// Whether float32 is no measure of it: then ONNX Runtime may be as far from float64 as our own float32 is, and a half more.
    /// </param>
    /// <returns>The import.</returns>
    public static Module<Tensor, Tensor> Check(
        Module<Tensor, Tensor> network, TemporaryFolder folder, long height, long width, int channels = 3, bool roundsALot = false)
    {
        using var grad = no_grad();
        network.eval();
        var path = folder.File("net.onnx");
        OnnxExport.Write(network, path, new() { Channels = channels });
        var again = OnnxNetwork.Load(path);
        foreach (var (rows, columns) in ((long, long)[])[(height, width), (height + 37, width + 19)])
        {
            using var scope = NewDisposeScope();
            var image = randn(2, channels, rows, columns);
            var (expected, exact) = (network.forward(image), InFloat64(network, image));
            Assert.True(expected.abs().max().item<float>() > 1e-3, "the outputs are too small to compare");
            // Both round; what rounds alike may differ from float64 by a little more.
            var found = ReferenceRuntime.Run(path, image);
            var allowed = roundsALot ? Math.Min(1.5 * ReferenceRuntime.Difference(expected, exact), MostRounding) : Tolerance;
            Assert.InRange(
                Math.Min(ReferenceRuntime.Difference(found, expected), ReferenceRuntime.Difference(found, exact)), 0, allowed);
            Assert.InRange(ReferenceRuntime.Difference(InFloat64(again, image), exact), 0, Tolerance);
        }

        return again;
    }

    /// <summary>What a network makes of an image in float64, in which the library's convolutions are right on every processor.</summary>
    private static Tensor InFloat64(Module<Tensor, Tensor> network, Tensor image)
    {
        network.to(ScalarType.Float64);
        var output = network.forward(image.to(ScalarType.Float64)).to(ScalarType.Float32);
        network.to(ScalarType.Float32);
        return output;
    }

    /// <summary>
    /// Layers that the output hangs on with their channels and whose values they read, also by way of small tensors, and the shapes of
    /// parameters by name. Layers stand in the order in which the output needs them: a file may have those of several branches in another
    /// than the network has. Which map of some size a layer takes its size from is left open.
    /// </summary>
    public static (string[] Layers, string[] Parameters) Graph(Module<Tensor, Tensor> network, int channels = 3)
    {
        var traced = GraphBuilder.Trace(network, channels, frozenBatchNorm: true);
        var (numbers, layers) = (new Dictionary<int, int>(), new List<string>());
        int[] outputs = [.. Maps(traced.Outputs[0]).Select(Number)];
        layers.Add($"output of {string.Join(' ', outputs)}");
        return (
            [.. layers],
            [
                .. network.named_parameters()
                    .Select(entry => $"{entry.name} [{string.Join(", ", entry.parameter.shape)}]")
                    .Order(StringComparer.Ordinal)
            ]);

        int Number(int index)
        {
            if (numbers.TryGetValue(index, out var known))
                return known;
            var map = traced.Maps[index];
            var own = map.Layer is FilledLayer ? [] : map.Inputs;
            var smalls = ((map.Layer as OperandLayer)?.Smalls ?? []).SelectMany(small => Maps(new(true, small)));
            int[] inputs = [.. own.Concat(smalls).Distinct().Select(Number)];
            var number = numbers.Count;
            numbers.Add(index, number);
            layers.Add($"{number}: {Kind(map)} {map.Channels} of {string.Join(' ', inputs)}");
            return number;
        }

        // The maps that a value is, or is made of by way of small tensors.
        IEnumerable<int> Maps(TracedOutput value)
        {
            if (!value.IsSmall)
                return [value.Index];
            var small = traced.Smalls[value.Index];
            return small.Function is null
                ? traced.Reductions[small.Reduction].Operands
                : small.Inputs.SelectMany(input => Maps(new(true, input))).Distinct();
        }
    }

    // A norm of the library's own comes back as TorchSharp's.
    private static string? Kind(GraphNode map) => map.Layer?.Name is "ChannelLayerNorm" ? "LayerNorm" : map.Layer?.Name;
}
