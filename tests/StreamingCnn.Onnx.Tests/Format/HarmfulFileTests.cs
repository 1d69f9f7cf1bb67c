using System.Diagnostics;
using StreamingCnn.Onnx.Format;
using StreamingCnn.Testing;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Tests.Format;

/// <summary>
/// Files that are well-formed and mean harm, or nothing: each is refused in one sentence, at once, and without the memory that it asks for.
/// </summary>
public sealed class HarmfulFileTests : IDisposable
{
    private const long Huge = 1L << 40;
    private const long MostBytes = 64 << 20;

    private static readonly Dictionary<string, Func<OnnxModel>> Files = new()
    {
        // Operators that have no form here.
        ["Scan"] = () => new Network().Node("Scan", ["x"]).Model(),
        ["Einsum"] = () => new Network().Node("Einsum", ["x", "x"], ("equation", "nchw,nchw->nc")).Model(),
        ["GridSample"] = () => new Network().Node("GridSample", ["x", "x"]).Model(),
        ["boxes"] = () => new Network().Node("NonMaxSuppression", ["x", "x"]).Model(),
        ["quantised"] = () => new Network().Number("scale", 0.1f).Node("QuantizeLinear", ["x", "scale"]).Model(),
        ["random numbers"] = () => new Network().Node("RandomNormalLike", ["x"]).Model(),
        ["another domain"] = () => Changed(new Network().Node("Relu", ["x"]).Model(), node => node with { Domain = "com.microsoft" }),
        ["the largest channels"] = () => new Network().Integers("k", 2).Node("TopK", ["x", "k"], 2, ("axis", 1)).Model("TopK.0"),
        ["another shrinking"] = () => new Network().Node("Shrink", ["x"], ("lambd", 1f), ("bias", 0.5f)).Model(),
        ["a spread map"] = () => new Network().Integers("shape", 1, 6, 1000, 1000).Node("Expand", ["x", "shape"]).Model(),

        // Numbers that nothing has.
        ["values of a huge shape"] = () =>
            new Network().Integers("shape", Huge, Huge).Node("ConstantOfShape", ["shape"]).Node("Add", ["x", "ConstantOfShape"]).Model(),
        ["values of a negative shape"] = () =>
            new Network().Integers("shape", -1).Node("ConstantOfShape", ["shape"]).Node("Add", ["x", "ConstantOfShape"]).Model(),
        ["a huge window"] = () =>
            new Network().Node("MaxPool", ["x"], ("kernel_shape", new[] { Huge, Huge })).Node("Det", ["MaxPool"]).Model(),
        ["a window of nothing"] = () => new Network().Node("MaxPool", ["x"], ("kernel_shape", new long[] { 0, 0 })).Model(),
        ["a window of one side"] = () => new Network().Node("AveragePool", ["x"], ("kernel_shape", new long[] { 2 })).Model(),
        ["strides of nothing"] = () =>
            new Network().Weights("w", 4, 6, 3, 3).Node("Conv", ["x", "w"], ("strides", new long[] { 0, 1 })).Model(),
        ["negative dilation"] = () =>
            new Network().Weights("w", 4, 6, 3, 3).Node("Conv", ["x", "w"], ("dilations", new long[] { -1, 1 })).Model(),
        ["negative pads"] = () =>
            new Network().Weights("w", 4, 6, 3, 3).Node("Conv", ["x", "w"], ("pads", new long[] { -1, 0, 0, 0 })).Model(),
        ["no groups"] = () => new Network().Weights("w", 4, 6, 3, 3).Node("Conv", ["x", "w"], ("group", 0)).Model(),
        ["negative groups"] = () => new Network().Weights("w", 4, 6, 3, 3).Node("Conv", ["x", "w"], ("group", -2)).Model(),
        ["groups that do not fit"] = () => new Network().Weights("w", 4, 2, 3, 3).Node("Conv", ["x", "w"], ("group", 3)).Model(),
        ["a norm of no groups"] = () =>
            new Network { Opset = 18 }.Weights("w", 3)
                .Weights("b", 3)
                .Node("GroupNormalization", ["x", "w", "b"], ("num_groups", 0))
                .Model(),
        ["a norm of other channels"] = () => new Network().Weights("w", 5).Node("BatchNormalization", ["x", "w", "w", "w", "w"]).Model(),
        ["output padding of one side"] = () =>
            new Network().Weights("w", 6, 4, 3, 3).Node("ConvTranspose", ["x", "w"], ("output_padding", new long[] { 1 })).Model(),
        ["a huge factor"] = () => new Network().Numbers("scales", 1, 1, 1e9f, 1e9f).Node("Resize", ["x", "", "scales"]).Model(),
        ["a factor that is no number"] = () =>
            new Network().Numbers("scales", 1, 1, float.NaN, 2).Node("Resize", ["x", "", "scales"]).Model(),
        ["blocks of nothing"] = () => new Network().Node("DepthToSpace", ["x"], ("blocksize", 0)).Model(),
        ["parts of other channels"] = () =>
            new Network().Integers("parts", 4, 4).Node("Split", ["x", "parts"], 2, ("axis", 1)).Node("Add", ["Split.0", "Split.1"]).Model(),
        ["negative parts"] = () => new Network().Integers("parts", 8, -2).Node("Split", ["x", "parts"], 2, ("axis", 1)).Model("Split.0"),
        ["channels that there are not"] = () => new Network().Integers("order", 2, 6).Node("Gather", ["x", "order"], ("axis", 1)).Model(),
        ["an axis that there is not"] = () => new Network().Node("Softmax", ["x"], ("axis", 7)).Model(),
        ["a row of other length"] = () =>
            new Network().Integers("row", 0, 7, -1).Node("Reshape", ["x", "row"]).Node("Relu", ["Reshape"]).Model(),
        ["two open sides"] = () => new Network().Integers("row", 0, -1, -1).Node("Reshape", ["x", "row"]).Node("Relu", ["Reshape"]).Model(),
        ["an order that is none"] = () => new Network().Node("Transpose", ["x"], ("perm", new long[] { 0, 1, 1, 3 })).Model(),
        ["very many values of channels"] = () =>
            new Network().Node("GlobalAveragePool", ["x"]).Weights("w", 6, 2).Node("MatMul", ["GlobalAveragePool", "w"]).Model(),
        ["slopes of other channels"] = () => new Network().Weights("w", 5, 1, 1).Node("PRelu", ["x", "w"]).Model(),

        // Graphs that are none.
        ["no output"] = () => Graph(new Network().Node("Relu", ["x"]), graph => graph with { Outputs = [] }),
        ["an output that nothing gives"] = () => new Network().Node("Relu", ["x"]).Model("nowhere"),
        ["an output that is a weight"] = () => new Network().Weights("w", 2).Node("Relu", ["x"]).Model("w"),
        ["no image"] = () => Graph(new Network().Node("Relu", ["x"]), graph => graph with { Inputs = [] }),
        ["an image of three dimensions"] = () =>
            Graph(new Network().Node("Relu", ["x"]), graph => graph with { Inputs = [new("x", OnnxType.Float32, [1, 2, 3])] }),
        ["an image of open channels"] = () => new Network { Channels = 0 }.Node("Relu", ["x"]).Model(),
        ["a node that gives the image"] = () => Graph(
            new Network().Node("Relu", ["x"]),
            graph => graph with { Nodes = [graph.Nodes[0] with { Outputs = ["x"] }], Outputs = [new("x", OnnxType.Float32, null)] }),
        ["a node without inputs"] = () => new Network().Node("Relu", []).Model(),
        ["a node without outputs"] = () => Changed(new Network().Node("Relu", ["x"]).Model("y"), node => node with { Outputs = [] }),
        ["a chain of identities of each other"] = () => new Network().Node("Identity", ["Relu"]).Node("Relu", ["Identity"]).Model(),
        ["names that terminals obey"] = () =>
            Changed(new Network().Node("Det", ["x"]).Model(), node => node with { Name = "\u001b[2Jx\ny" }),
    };

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Names => [.. Files.Keys];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void A_file_is_refused_in_one_sentence_at_once(string name)
    {
        using var scope = NewDisposeScope();
        var path = folder.File("net.onnx");
        using (var file = File.Create(path))
            ModelWriter.Write(file, Files[name]());
        var (before, watch) = (GC.GetTotalAllocatedBytes(), Stopwatch.StartNew());

        var refusal = Record.Exception(() => OnnxNetwork.Load(path));

        Assert.True(refusal is OnnxFileException or UnsupportedOnnxException, $"{refusal}");
        Assert.InRange(refusal.Message.Length, 20, 1000);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(refusal.Message, letter => char.IsControl(letter));
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, MostBytes);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void Weights_behind_a_link_are_not_read()
    {
        using var elsewhere = new TemporaryFolder();
        elsewhere.Write("weights.bin", new string('x', 48));
        Directory.CreateSymbolicLink(folder.File("sub"), Path.GetDirectoryName(elsewhere.File("weights.bin"))!);
        var path = DamagedFileTests.External(folder, "sub/weights.bin");
        Assert.Contains(
            "no file in its folder", Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message, StringComparison.Ordinal);
    }

    private static OnnxModel Graph(Network network, Func<OnnxGraph, OnnxGraph> change)
    {
        var model = network.Model();
        return model with { Graph = change(model.Graph) };
    }

    private static OnnxModel Changed(OnnxModel model, Func<OnnxNode, OnnxNode> change) =>
        model with { Graph = model.Graph with { Nodes = [.. model.Graph.Nodes.Select(change)] } };
}
