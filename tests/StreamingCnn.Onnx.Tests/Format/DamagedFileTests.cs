using StreamingCnn.Onnx.Format;
using StreamingCnn.Testing;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Tests.Format;

/// <summary>Files that are no models, or claim what they do not have: one sentence each, and no memory for what is claimed.</summary>
public sealed class DamagedFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_cut_anywhere_is_refused_in_one_sentence()
    {
        using var scope = NewDisposeScope();
        var whole = File.ReadAllBytes(
            new Network().Weights("w", 2, 6, 3, 3).Node("Conv", ["x", "w"], ("pads", new long[] { 1, 1, 1, 1 })).Write(folder));
        var path = folder.File("cut.onnx");
        for (var length = 0; length < whole.Length; length += 3)
        {
            File.WriteAllBytes(path, whole[..length]);
            var refusal = Assert.ThrowsAny<Exception>(() => OnnxNetwork.Load(path));
            Assert.True(refusal is OnnxFileException or UnsupportedOnnxException, $"{length}: {refusal}");
            Assert.DoesNotContain('\n', refusal.Message);
        }
    }

    [Fact]
    public void A_file_with_a_wrong_byte_is_read_or_refused()
    {
        using var scope = NewDisposeScope();
        var whole = File.ReadAllBytes(
            new Network()
                .Weights("w", 2, 6, 3, 3)
                .Node("Conv", ["x", "w"], ("pads", new long[] { 1, 1, 1, 1 }))
                .Node("Relu", ["Conv"])
                .Write(folder));
        var path = folder.File("changed.onnx");
        var chance = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var changed = (byte[])whole.Clone();
            changed[chance.Next(changed.Length)] = (byte)chance.Next(256);
            File.WriteAllBytes(path, changed);
            try
            {
                OnnxNetwork.Load(path).Dispose();
            }
            catch (Exception refusal) when (refusal is OnnxFileException or UnsupportedOnnxException)
            {
                Assert.DoesNotContain('\n', refusal.Message);
            }
        }
    }

    [Fact]
    public void Two_gibibytes_that_are_claimed_take_no_memory()
    {
        using var scope = NewDisposeScope();
        var path = Changed(tensor => tensor with { Shape = [1L << 20, 512] });
        var before = GC.GetTotalAllocatedBytes();
        var refusal = Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path));
        Assert.Contains("2147483648 bytes by its shape", refusal.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 10 << 20);
    }

    [Fact]
    public void Millions_of_empty_nodes_take_little_memory()
    {
        var graph = new byte[8 << 20];
        for (var i = 0; i < graph.Length; i += 2)
            graph[i] = 0x0A;
        var path = folder.File("nodes.onnx");
        using (var file = File.Create(path))
            new WireWriter(file).Bytes(7, graph);
        var before = GC.GetTotalAllocatedBytes();
        Assert.Contains("nodes", Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 200 << 20);
    }

    [Fact]
    public void A_shape_that_no_memory_has_is_refused()
    {
        using var scope = NewDisposeScope();
        var path = Changed(tensor => tensor with { Shape = [1L << 40, 1L << 40] });
        Assert.Contains(
            "impossible shape", Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../weights.bin", "only files in the model's own folder")]
    [InlineData("/etc/hostname", "only files in the model's own folder")]
    [InlineData("", "only files in the model's own folder")]
    [InlineData("missing.bin", "no file in its folder")]
    [InlineData("short.bin", "which has 10")]
    public void Weights_elsewhere_are_not_read(string place, string reason)
    {
        folder.Write("short.bin", "0123456789");
        var path = External(folder, place);
        Assert.Contains(reason, Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_beside_the_file_are_read()
    {
        using var scope = NewDisposeScope();
        var path = External(folder, "weights.bin");
        File.WriteAllBytes(folder.File("weights.bin"), [.. Enumerable.Range(0, 12).SelectMany(i => BitConverter.GetBytes((float)i))]);
        using var network = OnnxNetwork.Load(path);
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (float)i), network.parameters().Single().data<float>());
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>no network</html>")]
    [InlineData("{\"a\": 1}")]
    public void Something_else_is_refused(string content)
    {
        var path = folder.Write("other.onnx", content);
        Assert.Contains(
            "is no ONNX file", Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_said_to_be() =>
        Assert.Contains(
            "There is no file",
            Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(folder.File("none.onnx"))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void What_is_written_is_read_again()
    {
        using var scope = NewDisposeScope();
        var model = new Network().Weights("w", 2, 6, 3, 3).Number("alpha", 0.5f).Node(
            "Conv", ["x", "w"], ("pads", new long[] { 1, 1, 1, 1 }), ("auto_pad", "NOTSET"))
            .Node("Resize", ["Conv", "", "scales"])
                .Node("Elu", ["Resize"], ("alpha", 0.5f))
                .Node("Upsample", ["Elu"], ("scales", new float[] { 1, 1, 2, 2 }))
                .Model();
        using var stream = new MemoryStream();
        ModelWriter.Write(stream, model with { Metadata = [new("classes", "cat\ndog")], Producer = "test" });
        var read = ModelReader.Read(stream.ToArray());
        Assert.Equal(("test", model.Opset, model.Graph.Name), (read.Producer, read.Opset, read.Graph.Name));
        Assert.Equal(["cat\ndog"], read.Metadata.Select(entry => entry.Value));
        Assert.Equal(
            model.Graph.Nodes.Select(node => (node.Name, node.Operator, string.Join(' ', node.Inputs))),
            read.Graph.Nodes.Select(node => (node.Name, node.Operator, string.Join(' ', node.Inputs))));
        Assert.Equal([1L, 1, 1, 1], read.Graph.Nodes[0].Attributes["pads"].Integers!);
        Assert.Equal([1f, 1, 2, 2], read.Graph.Nodes[3].Attributes["scales"].Singles!);
        Assert.Equal([null, 6, null, null], read.Graph.Inputs.Single().Shape!);
        Assert.Equal(model.Graph.Initialisers[0].Parts.Single().ToArray(), read.Graph.Initialisers[0].Parts.Single().ToArray());
    }

    private string Changed(Func<OnnxTensor, OnnxTensor> change)
    {
        var model = new Network().Weights("w", 2, 6, 1, 1).Node("Conv", ["x", "w"]).Model();
        return Write(model with { Graph = model.Graph with { Initialisers = [.. model.Graph.Initialisers.Select(change)] } });
    }

    internal static string External(TemporaryFolder folder, string place)
    {
        var path = folder.File("net.onnx");
        using var file = File.Create(path);
        var writer = new WireWriter(file);
        writer.Integer(1, 8);
        writer.Message(8, opset => opset.Integer(2, 13));
        writer.Message(7, graph =>
        {
            graph.Message(1, node =>
            {
                node.Text(1, "x");
                node.Text(1, "w");
                node.Text(2, "y");
                node.Text(4, "Conv");
            });
            graph.Message(5, tensor =>
            {
                foreach (var side in (long[])[2, 6, 1, 1])
                    tensor.Integer(1, side);
                tensor.Integer(2, 1);
                tensor.Text(8, "w");
                tensor.Message(13, entry =>
                {
                    entry.Text(1, "location");
                    entry.Text(2, place);
                });
                tensor.Integer(14, 1);
            });
            graph.Message(11, input => input.Text(1, "x"));
            graph.Message(12, output => output.Text(1, "y"));
        });
        return path;
    }

    private string Write(OnnxModel model)
    {
        var path = folder.File("net.onnx");
        using var file = File.Create(path);
        ModelWriter.Write(file, model);
        return path;
    }
}
