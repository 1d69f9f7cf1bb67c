using StreamingCnn.Interop.Weights;
using StreamingCnn.Onnx.Tests.Import;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Tests.Export;

/// <summary>An imported network goes out again with the weights that it has come to have.</summary>
public sealed class SavedImportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(ParityTests.Names), MemberType = typeof(ParityTests))]
    public void A_changed_network_is_written_and_gives_the_same_here_and_in_ONNX_Runtime(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(5);
        using var network = OnnxNetwork.Load(ParityTests.PathOf(name));
        foreach (var parameter in network.parameters())
            parameter.mul_(0.9).add_(rand_like(parameter) * 0.05);
        var path = folder.File("changed.onnx");
        if (network is OnnxTrunk trunk)
            trunk.Save(path);
        else
            ((OnnxHead)network).Save(path);

        var image = randn(1, 3, 40, 36);
        var expected = network.forward(image);
        using var again = OnnxNetwork.Load(path);
        Assert.Equal(network.state_dict().Keys, again.state_dict().Keys);
        Assert.InRange(ReferenceRuntime.Difference(again.forward(image), expected), 0, 1e-6);
        Assert.InRange(ReferenceRuntime.Difference(ReferenceRuntime.Run(path, image), expected), 0, 1e-5);
    }

    [Fact]
    public void A_structure_has_no_weights_and_takes_them_from_a_file()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var file = ParityTests.PathOf("residual");
        using var trunk = OnnxNetwork.LoadTrunk(file);
        var structure = trunk.Structure();
        Assert.InRange(structure.Length, 1, new FileInfo(file).Length / 2);

        using var other = OnnxNetwork.FromStructure(structure, "residual");
        Assert.All(other.parameters(), parameter => Assert.Equal(0, parameter.abs().max().ToDouble()));
        WeightFile.Save(trunk, folder.File("weights.safetensors"));
        WeightFile.Load(other, folder.File("weights.safetensors"));
        var image = randn(1, 3, 33, 47);
        Assert.Equal(0, (trunk.forward(image) - other.forward(image)).abs().max().ToDouble());
        Assert.Throws<OnnxFileException>(() => OnnxNetwork.FromStructure(structure.AsMemory(1), "residual"));
    }

    [Fact]
    public void Layers_of_one_initialiser_that_have_grown_apart_are_not_written()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var path = new Network()
            .Weights("w", 6, 6, 1, 1)
            .Node("Conv", ["x", "w"])
            .Node("Conv", ["Conv", "w"], ("pads", new long[] { 1, 1, 1, 1 }))
            .Write(folder);
        using var trunk = (OnnxTrunk)OnnxNetwork.Load(path);
        trunk.Save(folder.File("same.onnx"));
        trunk.parameters().First().mul_(2);
        Assert.Contains(
            "'w'", Assert.Throws<NotSupportedException>(() => trunk.Save(folder.File("other.onnx"))).Message, StringComparison.Ordinal);
    }
}
