using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Onnx.Export;
using StreamingCnn.Onnx.Format;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Tests.Export;

/// <summary>Attention between neighbours is dozens of operators in a file, and one layer in what comes of it.</summary>
public sealed class AttentionExportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_trunk_that_came_back_goes_out_again_with_weights_that_were_trained()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(3);
        using var trunk = Trunk();
        OnnxExport.Write(trunk, folder.File("trunk.onnx"));
        using var again = OnnxNetwork.LoadTrunk(folder.File("trunk.onnx"));
        Assert.Equal(trunk.state_dict().Keys.Order(), again.state_dict().Keys.Order());

        foreach (var parameter in again.parameters())
            parameter.mul_(0.9).add_(rand_like(parameter) * 0.05);
        again.Save(folder.File("trained.onnx"));
        using var trained = OnnxNetwork.LoadTrunk(folder.File("trained.onnx"));
        // The structure has no weights, and those that are numbers of the layer's own.
        WeightFile.Save(again, folder.File("weights.safetensors"));
        using var loaded = OnnxNetwork.FromStructure(again.Structure(), "trunk");
        WeightFile.Load(loaded, folder.File("weights.safetensors"));
        WeightFile.Load(trunk, folder.File("weights.safetensors"));
        Assert.Equal(Exported.Graph(trunk).Layers, Exported.Graph(loaded).Layers);
        Assert.Equal(Exported.Graph(trunk).Parameters, Exported.Graph(loaded).Parameters);
        foreach (var (rows, columns) in ((long, long)[])[(10, 10), (31, 46)])
        {
            var image = randn(2, 3, rows, columns);
            var expected = again.forward(image);
            Assert.True(expected.abs().max().item<float>() > 1e-3, "the outputs are too small to compare");
            Assert.InRange(ReferenceRuntime.Difference(trunk.forward(image), expected), 0, 1e-6);
            Assert.InRange(ReferenceRuntime.Difference(trained.forward(image), expected), 0, 1e-6);
            Assert.InRange(ReferenceRuntime.Difference(loaded.forward(image), expected), 0, 1e-6);
            Assert.InRange(ReferenceRuntime.Difference(ReferenceRuntime.Run(folder.File("trained.onnx"), image), expected), 0, 1e-5);
        }
    }

    [Fact]
    public void Streamed_it_is_what_ONNX_Runtime_makes_of_the_whole_image()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(4);
        using var trunk = Trunk();
        OnnxExport.Write(trunk, folder.File("trunk.onnx"));
        using var again = OnnxNetwork.LoadTrunk(folder.File("trunk.onnx"));
        using var streaming = new StreamingModule(again, new StreamingOptions { Tile = (17, 13) });
        var image = randn(1, 3, 61, 45);
        Assert.InRange(
            ReferenceRuntime.Difference(streaming.forward(image), ReferenceRuntime.Run(folder.File("trunk.onnx"), image)), 0, 1e-5);
    }

    [Theory]
    [InlineData("MatMul")]
    [InlineData("Gather")]
    [InlineData("Where")]
    [InlineData("Softmax")]
    [InlineData("Less")]
    public void What_differs_in_one_node_is_not_taken_for_it(string changed)
    {
        using var scope = NewDisposeScope();
        using var trunk = Sequential(("attn", new WindowAttention(6, 2, 5, 2)));
        var model = OnnxExport.Model(trunk, new() { Channels = 6 });
        var nodes = model.Graph.Nodes.ToArray();
        var at = Array.FindIndex(nodes, node => node.Operator == changed);
        nodes[at] = changed switch
        {
            "Gather" or "Softmax" => nodes[at] with
            {
                Attributes = new Dictionary<string, OnnxAttribute> { ["axis"] = LayerWriters.Whole(0) },
            },
            "Less" => nodes[at] with { Operator = "LessOrEqual" },
            _ => nodes[at] with { Inputs = [.. nodes[at].Inputs.Reverse()] },
        };
        using (var file = File.Create(folder.File("changed.onnx")))
            ModelWriter.Write(file, model with { Graph = model.Graph with { Nodes = nodes } });
        Assert.Throws<UnsupportedOnnxException>(() => OnnxNetwork.Load(folder.File("changed.onnx")));
    }

    private static Module<Tensor, Tensor> Trunk()
    {
        var trunk = Sequential(
            ("stem", Conv2d(3, 8, 2, stride: 2)),
            ("windows", new WindowAttention(8, 2, 4)),
            ("shifted", new WindowAttention(8, 4, 5, 2)),
            ("neighbours", new NeighbourhoodAttention(8, 2, 7)),
            ("last", Conv2d(8, 4, 1)));
        Exported.Disturb(trunk);
        trunk.eval();
        return trunk;
    }
}
