using StreamingCnn.Onnx.Format;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Tests.Import;

/// <summary>What cannot be streamed is refused by name, all of it at once, and what is broken is said to be.</summary>
public sealed class RefusalTests : IDisposable
{
    private static readonly Dictionary<string, (Func<Network> Network, string Reason)> Refused = new()
    {
        ["attention over the map"] = (() => new Network().Integers("row", 0, 6, -1).Node("Reshape", ["x", "row"]).Node("Transpose", ["Reshape"], ("perm", new long[] { 0, 2, 1 }))
            .Node("MatMul", ["Transpose", "Reshape"]), "node.MatMul (MatMul) multiplies two maps"),
        ["NonZero"] = (() => new Network().Node("NonZero", ["x"]), "node.NonZero (NonZero) is an operator that is not supported"),
        ["Loop"] = (() => new Network().Node("Loop", ["x"]), "(Loop)"),
        ["If"] = (() => new Network().Node("If", ["x"]), "(If)"),
        ["LSTM"] = (() => new Network().Node("LSTM", ["x"]), "(LSTM)"),
        ["a softmax over positions"] = (() => new Network().Node("Softmax", ["x"], ("axis", 3)), "runs over positions"),
        ["an old softmax"] = (() => new Network { Opset = 11 }.Node("Softmax", ["x"], ("axis", 1)), "more than channels"),
        ["a mean of rows"] = (() => new Network().Node("ReduceMean", ["x"], ("axes", new long[] { 2 })), "rows or columns alone"),
        ["a mean of images"] = (() => new Network().Node("ReduceMean", ["x"], ("axes", new long[] { 0 })), "reduces over images"),
        ["a flattened map"] =
            (() => new Network().Weights("w", 96, 3).Node("Flatten", ["x"]).Node("Gemm", ["Flatten", "w"]), "pool the map first"),
        ["values for each position"] =
            (() => new Network().Weights("w", 1, 6, 9, 9).Node("Add", ["x", "w"]), "differ from position to position"),
        ["a convolution in time"] = (() => new Network().Weights("w", 4, 6, 3).Node("Conv", ["x", "w"]), "weights of 3 dimensions"),
        ["a convolution of other channels"] =
            (() => new Network().Weights("w", 4, 5, 3, 3).Node("Conv", ["x", "w"]), "expects 5 input channels, but gets 6"),
        ["computed weights"] = (() => new Network().Node("Conv", ["x", "x"]), "must stand in the file"),
        ["a missing value"] = (() => new Network().Node("Relu", ["nowhere"]), "which nothing gives"),
        ["maps of different sizes"] =
            (
                () =>
                    new Network { Size = (20, 20) }.Node(
                        "MaxPool", ["x"], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }))
                        .Node("Add", ["x", "MaxPool"]),
                    "different heights, 20 and 10"),
        ["cubic resizing that passes over what lies outside"] =
            (
                () => new Network().Numbers("scales", 1, 1, 2, 2).Node(
                    "Resize", ["x", "", "scales"], ("mode", "cubic"), ("exclude_outside", 1)),
                "'cubic'"),
        ["a part of a pixel"] = (() => new Network().Numbers("scales", 1, 1, 1.5f, 2).Node("Resize", ["x", "", "scales"]), "whole factors"),
        ["rounding another way"] =
            (
                () => new Network().Numbers("scales", 1, 1, 2, 2).Node(
                    "Resize", ["x", "", "scales"], ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "ceil")),
                "'ceil'"),
        ["padding around"] =
            (() => new Network().Integers("pads", 0, 0, 1, 1, 0, 0, 1, 1).Node("Pad", ["x", "pads"], ("mode", "wrap")), "'wrap'"),
        ["padded channels"] =
            (() => new Network().Integers("pads", 0, 1, 0, 0, 0, 0, 0, 0).Node("Pad", ["x", "pads"]), "rows and columns alone"),
        ["uneven pads that are not counted"] =
            (
                () => new Network().Node("AveragePool", ["x"], ("kernel_shape", new long[] { 3, 3 }), ("pads", new long[] { 0, 0, 1, 1 })),
                "uneven pads"),
        ["a batch norm that trains"] =
            (
                () =>
                    new Network { Opset = 14 }.Weights("w", 6).Node("BatchNormalization", ["x", "w", "w", "w", "w"], ("training_mode", 1)),
                    "evaluation mode"),
        ["the second result of a pooling"] =
            (() => new Network().Node("MaxPool", ["x"], 2, ("kernel_shape", new long[] { 2, 2 })), "places of its maxima"),
        ["maps side by side"] = (() => new Network().Node("Concat", ["x", "x"], ("axis", 3)), "along rows, columns or images"),
        ["a transposed batch"] =
            (
                () => new Network().Node("Transpose", ["x"], ("perm", new long[] { 1, 0, 2, 3 })).Node("Relu", ["Transpose"]).Node(
                    "MaxPool", ["Relu"], ("kernel_shape", new long[] { 2, 2 })),
                "reshaped or transposed"),
    };

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> RefusedNames => [.. Refused.Keys];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(RefusedNames))]
    public void What_cannot_be_streamed_is_refused_by_node_operator_and_reason(string name)
    {
        using var scope = NewDisposeScope();
        var (network, reason) = Refused[name];
        var refusal = Assert.Throws<UnsupportedOnnxException>(() => OnnxNetwork.Load(network().Write(folder)));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.Single(refusal.Refusals);
    }

    [Fact]
    public void All_nodes_are_refused_at_once()
    {
        using var scope = NewDisposeScope();
        var path = new Network()
            .Node("NonZero", ["x"])
            .Node("Unique", ["x"])
            .Node("Det", ["x"])
            .Node("Sum", ["NonZero", "Unique", "Det"])
            .Write(folder);
        var refusal = Assert.Throws<UnsupportedOnnxException>(() => OnnxNetwork.Load(path));
        Assert.Equal(["NonZero", "Unique", "Det"], refusal.Refusals.Select(node => node.Operator));
    }

    [Fact]
    public void A_trunk_is_not_cut_where_something_in_its_middle_is_refused()
    {
        using var scope = NewDisposeScope();
        var path =
            new Network().Node("Relu", ["x"]).Node("Det", ["Relu"]).Weights("w", 4, 6, 3, 3).Node("Conv", ["Det", "w"]).Write(folder);
        Assert.Throws<UnsupportedOnnxException>(() => OnnxNetwork.LoadTrunk(path));
    }

    [Fact]
    public void A_trunk_is_not_cut_before_a_map_that_is_refused()
    {
        using var scope = NewDisposeScope();
        var path = new Network().Node("Relu", ["x"]).Weights("mean", 6, 224, 224).Node("Sub", ["Relu", "mean"]).Write(folder);
        Assert.Throws<UnsupportedOnnxException>(() => OnnxNetwork.LoadTrunk(path));
    }

    [Fact]
    public void A_trunk_ends_before_a_classifier_that_binds_the_size()
    {
        using var scope = NewDisposeScope();
        var path = new Network()
            .Weights("w", 4, 6, 3, 3)
            .Node("Conv", ["x", "w"])
            .Node("Flatten", ["Conv"])
            .Weights("v", 96, 3)
            .Node("Gemm", ["Flatten", "v"])
            .Write(folder);
        using var trunk = OnnxNetwork.LoadTrunk(path);
        Assert.Equal(("Conv", 6, 4), (trunk.Output, trunk.Channels, trunk.OutputChannels));
        Assert.Single(trunk.named_parameters());
    }

    [Theory]
    [InlineData(6)]
    [InlineData(99)]
    public void Other_versions_are_refused(int opset)
    {
        using var scope = NewDisposeScope();
        var path = new Network { Opset = opset }.Node("Relu", ["x"]).Write(folder);
        Assert.Contains(
            $"version {opset}", Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_that_wait_for_each_other_are_found()
    {
        using var scope = NewDisposeScope();
        var path = new Network().Node("Add", ["x", "Relu"]).Node("Relu", ["Add"]).Write(folder);
        Assert.Contains(
            "wait for each other", Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_go_round_in_a_circle_are_found()
    {
        using var scope = NewDisposeScope();
        var path = new Network().Node("Identity", ["Mul"]).Node("Mul", ["x", "Identity"]).Write(folder);
        Assert.Contains(
            "wait for each other", Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_of_very_many_parts_is_no_deep_tree()
    {
        using var scope = NewDisposeScope();
        var name = string.Join('.', Enumerable.Repeat("a", 100_000)) + ".weight";
        using var network = OnnxNetwork.Load(new Network().Weights(name, 4, 6, 1, 1).Node("Conv", ["x", name]).Write(folder));
        Assert.Single(network.named_parameters());
    }

    [Fact]
    public void A_value_that_is_given_twice_is_found()
    {
        using var scope = NewDisposeScope();
        var model = new Network().Node("Relu", ["x"]).Model();
        model = model with { Graph = model.Graph with { Nodes = [.. model.Graph.Nodes, .. model.Graph.Nodes] } };
        Assert.Contains("two nodes that give 'Relu'", Refusal(model), StringComparison.Ordinal);
    }

    [Fact]
    public void Several_images_are_refused()
    {
        using var scope = NewDisposeScope();
        var model = new Network().Node("Relu", ["x"]).Model();
        model = model with { Graph = model.Graph with { Inputs = [.. model.Graph.Inputs, new("mask", OnnxType.Float32, [1, 1, 4, 4])] } };
        Assert.Contains("has 2 inputs (x, mask)", Refusal(model), StringComparison.Ordinal);
    }

    private string Refusal(OnnxModel model)
    {
        var path = folder.File("net.onnx");
        using (var file = File.Create(path))
            ModelWriter.Write(file, model);
        return Assert.Throws<OnnxFileException>(() => OnnxNetwork.Load(path)).Message;
    }
}
