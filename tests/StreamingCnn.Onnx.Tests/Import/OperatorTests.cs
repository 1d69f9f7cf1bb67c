using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Tests.Import;

/// <summary>
/// Each operator by itself: the same numbers as ONNX Runtime's, at a size that leaves a remainder, and streamed as whole.
/// </summary>
public sealed class OperatorTests : IDisposable
{
    private static readonly Dictionary<string, Func<Network>> Cases = new()
    {
        ["Selu"] = () => new Network().Node("Selu", ["x"]),
        ["Celu"] = () => new Network().Node("Celu", ["x"], ("alpha", 0.7f)),
        ["Elu"] = () => new Network().Node("Elu", ["x"], ("alpha", 0.7f)),
        ["Softsign"] = () => new Network().Node("Softsign", ["x"]),
        ["Mish"] = () => new Network { Opset = 18 }.Node("Mish", ["x"]),
        ["Gelu by tanh"] = () => new Network { Opset = 20 }.Node("Gelu", ["x"], ("approximate", "tanh")),
        ["Gelu"] = () => new Network { Opset = 20 }.Node("Gelu", ["x"]),
        ["ThresholdedRelu"] = () => new Network().Node("ThresholdedRelu", ["x"], ("alpha", 0.4f)),
        ["HardSigmoid"] = () => new Network().Node("HardSigmoid", ["x"]),
        ["Clip of version 7"] = () => new Network { Opset = 7 }.Node("Clip", ["x"], ("min", -0.5f), ("max", 0.75f)),
        ["Clip below"] = () => new Network().Number("low", -0.25f).Node("Clip", ["x", "low"]),
        ["Clip to 6"] = () => new Network().Number("low", 0).Number("high", 6).Node("Clip", ["x", "low", "high"]),
        ["PRelu"] = () => new Network().Positive("slope", 6, 1, 1).Node("PRelu", ["x", "slope"]),
        ["functions"] = () =>
            new Network().Node("Abs", ["x"]).Node("Sqrt", ["Abs"]).Node("Exp", ["x"]).Node("Mul", ["Sqrt", "Exp"]).Node("Erf", ["x"]).Node(
                "Sub", ["Mul", "Erf"])
            .Node("Neg", ["Sub"]).Node("Sin", ["Neg"]),
        ["Log and Reciprocal"] = () =>
            new Network().Number("two", 2).Node("Abs", ["x"]).Node("Add", ["Abs", "two"]).Node("Log", ["Add"]).Node("Reciprocal", ["Log"]),
        ["Pow"] = () => new Network().Number("three", 3).Node("Pow", ["x", "three"]),
        ["a number less the map"] = () => new Network().Number("two", 2).Node("Sub", ["two", "x"]).Node("Div", ["two", "Sub"]),
        ["Min and Sum"] = () => new Network().Node("Tanh", ["x"]).Node("Min", ["x", "Tanh"]).Node("Sum", ["Min", "Tanh", "x"]),
        ["a channel times all"] = () =>
            new Network().Integers("zero", 0).Integers("one", 1).Node("Slice", ["x", "zero", "one", "one"]).Node("Sigmoid", ["Slice"]).Node(
                "Mul", ["x", "Sigmoid"]),
        ["Conv with uneven pads"] = () => new Network().Weights("w", 4, 3, 3, 2).Weights("b", 4)
            .Node("Conv", ["x", "w", "b"], ("group", 2), ("pads", new long[] { 2, 0, 1, 1 }), ("strides", new long[] { 2, 3 })),
        ["Conv as large as its strides ask"] = () =>
            new Network().Weights("w", 4, 6, 3, 4).Node("Conv", ["x", "w"], ("auto_pad", "SAME_UPPER"), ("strides", new long[] { 2, 3 })),
        ["the same from below"] = () =>
            new Network().Weights("w", 4, 6, 4, 4).Node("Conv", ["x", "w"], ("auto_pad", "SAME_LOWER"), ("dilations", new long[] { 1, 1 })),
        ["ConvTranspose with uneven pads"] = () => new Network().Weights("w", 6, 2, 3, 4)
            .Node("ConvTranspose", ["x", "w"], ("group", 2), ("pads", new long[] { 1, 0, 0, 2 }), ("strides", new long[] { 2, 2 })),
        ["ConvTranspose"] = () => new Network().Weights("w", 6, 3, 3, 3).Weights("b", 3)
            .Node(
                "ConvTranspose",
                ["x", "w", "b"],
                ("pads", new long[] { 1, 1, 1, 1 }),
                ("output_padding", new long[] { 1, 1 }),
                ("strides", new long[] { 2, 2 })),
        ["MaxPool with uneven pads"] = () => new Network { Opset = 8 }.Node(
            "MaxPool", ["x"], ("kernel_shape", new long[] { 3, 3 }), ("pads", new long[] { 1, 1, 0, 0 }), ("strides", new long[] { 2, 2 })),
        ["MaxPool as large as its strides ask"] = () => new Network().Node(
            "MaxPool", ["x"], ("kernel_shape", new long[] { 3, 3 }), ("auto_pad", "SAME_UPPER"), ("strides", new long[] { 2, 2 })),
        ["MaxPool rounded up"] = () =>
            new Network().Node("MaxPool", ["x"], ("kernel_shape", new long[] { 3, 3 }), ("ceil_mode", 1), ("strides", new long[] { 2, 2 })),
        ["AveragePool"] = () => new Network().Node(
            "AveragePool",
            ["x"],
            ("kernel_shape", new long[] { 3, 2 }),
            ("pads", new long[] { 1, 1, 1, 1 }),
            ("strides", new long[] { 2, 1 })),
        ["AveragePool that counts"] = () => new Network()
            .Node(
                "AveragePool", ["x"], ("kernel_shape", new long[] { 3, 2 }), ("pads", new long[] { 1, 1, 0, 1 }), ("count_include_pad", 1)),
        ["GlobalMaxPool"] = () => new Network().Node("GlobalMaxPool", ["x"]).Node("Sub", ["x", "GlobalMaxPool"]),
        ["BatchNormalization"] = () =>
            new Network().Weights("a.weight", 6).Weights("a.bias", 6).Weights("a.running_mean", 6).Positive("a.running_var", 6)
            .Node("BatchNormalization", ["x", "a.weight", "a.bias", "a.running_mean", "a.running_var"], ("epsilon", 0.01f)),
        ["InstanceNormalization"] = () => new Network().Weights("w", 6).Weights("b", 6).Node("InstanceNormalization", ["x", "w", "b"]),
        ["GroupNormalization of groups"] = () =>
            new Network { Opset = 18 }.Weights("w", 3).Weights("b", 3).Node("GroupNormalization", ["x", "w", "b"], ("num_groups", 3)),
        ["GroupNormalization"] = () =>
            new Network { Opset = 21 }.Weights("w", 6).Weights("b", 6).Node("GroupNormalization", ["x", "w", "b"], ("num_groups", 3)),
        ["LayerNormalization"] = () =>
            new Network { Opset = 17 }.Weights("w", 6).Weights("b", 6).Node("Transpose", ["x"], ("perm", new long[] { 0, 2, 3, 1 }))
            .Node("LayerNormalization", ["Transpose", "w", "b"]).Node(
                "Transpose", ["LayerNormalization"], ("perm", new long[] { 0, 3, 1, 2 })),
        ["Softmax"] = () => new Network().Node("Softmax", ["x"], ("axis", 1)),
        ["LogSoftmax"] = () => new Network().Node("LogSoftmax", ["x"], ("axis", -3)),
        ["Resize by half pixels"] = () => new Network().Numbers("scales", 1, 1, 3, 2).Node("Resize", ["x", "", "scales"]),
        ["Resize as PyTorch"] = () => new Network().Numbers("scales", 1, 1, 3, 3)
            .Node("Resize", ["x", "", "scales"], ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")),
        ["Resize of version 10"] = () => new Network { Opset = 10 }.Numbers("scales", 1, 1, 2, 2).Node("Resize", ["x", "scales"]),
        ["Upsample"] = () => new Network { Opset = 7 }.Node("Upsample", ["x"], ("scales", new float[] { 1, 1, 2, 3 })),
        ["Resize linear"] = () => new Network().Numbers("scales", 1, 1, 2, 3).Node(
            "Resize", ["x", "", "scales"], ("mode", "linear"), ("coordinate_transformation_mode", "pytorch_half_pixel")),
        ["Resize linear to corners"] = () => new Network().Numbers("scales", 1, 1, 2, 2).Node(
            "Resize", ["x", "", "scales"], ("mode", "linear"), ("coordinate_transformation_mode", "align_corners")),
        ["Resize cubic"] = () => new Network().Numbers("scales", 1, 1, 2, 3).Node(
            "Resize", ["x", "", "scales"], ("mode", "cubic"), ("coordinate_transformation_mode", "pytorch_half_pixel")),
        ["Resize cubic to corners"] = () => new Network().Numbers("scales", 1, 1, 3, 2).Node(
            "Resize", ["x", "", "scales"], ("mode", "cubic"), ("coordinate_transformation_mode", "align_corners")),
        ["Resize linear to another map's size"] = () => ToSize("linear", "half_pixel"),
        ["Resize linear to corners of another map"] = () => ToSize("linear", "align_corners"),
        ["Resize cubic to another map's size"] = () => ToSize("cubic", "half_pixel"),
        ["Resize to another map's size"] = () => ToSize("nearest", "asymmetric"),
        ["DepthToSpace"] = () => new Network { Channels = 12 }.Node("DepthToSpace", ["x"], ("blocksize", 2)),
        ["DepthToSpace as PyTorch"] = () => new Network { Channels = 12 }.Node("DepthToSpace", ["x"], ("blocksize", 2), ("mode", "CRD")),
        ["SpaceToDepth"] = () => new Network().Numbers("scales", 1, 1, 2, 2).Node("Resize", ["x", "", "scales"]).Node(
            "SpaceToDepth", ["Resize"], ("blocksize", 2)),
        ["Split"] = () => new Network().Integers("parts", 1, 2, 3).Node("Split", ["x", "parts"], 3, ("axis", 1)).Node(
            "Concat", ["Split.2", "Split.0", "Split.1"], ("axis", 1)),
        ["Split of version 11"] = () => new Network { Opset = 11 }.Node("Split", ["x"], 2, ("axis", 1)).Node("Mul", ["Split.0", "Split.1"]),
        ["Gather of channels"] = () => new Network().Integers("order", 2, 1, 0, 5).Node("Gather", ["x", "order"], ("axis", 1)),
        ["Pad by a number"] = () =>
            new Network().Integers("pads", 0, 0, 1, 2, 0, 0, 3, 0).Number("value", 0.5f).Node("Pad", ["x", "pads", "value"]),
        ["Pad by mirroring"] = () => new Network().Integers("pads", 0, 0, 1, 2, 0, 0, 3, 0).Node("Pad", ["x", "pads"], ("mode", "reflect")),
        ["Pad by the edge"] = () =>
            new Network { Opset = 10 }.Node("Pad", ["x"], ("mode", "edge"), ("pads", new long[] { 0, 0, 1, 2, 0, 0, 3, 0 })),
        ["Slice of positions"] = () =>
            new Network().Integers("from", 1, 2).Integers("to", -1, long.MaxValue).Integers("axes", 2, 3).Integers("steps", 2, 3)
            .Node("Slice", ["x", "from", "to", "axes", "steps"]),
        ["ReduceMax and ReduceMin"] = () =>
            new Network().Node("ReduceMax", ["x"], ("axes", new long[] { 2, 3 })).Node("ReduceMin", ["x"], ("axes", new long[] { -1, -2 }))
            .Node("Sub", ["ReduceMax", "ReduceMin"]).Node("Div", ["x", "Sub"]),
        ["ReduceSum over channels"] = () =>
            new Network().Integers("axes", 1).Node("ReduceSum", ["x", "axes"]).Node("Sub", ["x", "ReduceSum"]),
        ["ReduceMean over all"] = () =>
            new Network { Opset = 18 }.Integers("axes", 1, 2, 3).Node("ReduceMean", ["x", "axes"]).Node("Sub", ["x", "ReduceMean"])
            .Node("ReduceSumSquare", ["Sub", "axes"]).Node("Div", ["Sub", "ReduceSumSquare"]),
        ["ReduceL1"] = () => new Network().Node("ReduceL1", ["x"], ("axes", new long[] { 2, 3 }), ("keepdims", 0)),
        ["Gemm"] = () =>
            new Network().Weights("w", 6, 4).Weights("b", 4).Node("GlobalAveragePool", ["x"]).Node("Flatten", ["GlobalAveragePool"]).Node(
                "Gemm", ["Flatten", "w", "b"]),
        ["Dropout"] = () => new Network { Opset = 10 }.Node("Dropout", ["x"]).Node("Relu", ["Dropout"]),
        ["an initialiser by another name"] = () =>
            new Network().Weights("w", 2, 6, 1, 1).Node("Identity", ["w"]).Node("Conv", ["x", "Identity"]),
        ["one convolution twice"] = () => new Network().Weights("w", 6, 6, 3, 3).Node("Conv", ["x", "w"]).Node("Conv", ["Conv", "w"]),
    };

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Names => [.. Cases.Keys];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void An_operator_gives_what_ONNX_Runtime_gives_whole_and_streamed(string name)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        var network = Cases[name]();
        var path = network.Write(folder);
        using var imported = OnnxNetwork.Load(path);
        var image = randn(1, network.Channels, 25, 23);
        Assert.InRange(ReferenceRuntime.Difference(imported.forward(image).detach(), ReferenceRuntime.Run(path, image)), 0, 1e-5);

        imported.to(ScalarType.Float64);
        using var streaming = new StreamingModule(imported, new StreamingOptions { Tile = (9, 7) });
        var (one, other) = (image.to(ScalarType.Float64).requires_grad_(), image.to(ScalarType.Float64).requires_grad_());
        var (whole, streamed) = (imported.forward(one), streaming.forward(other));
        Assert.InRange(ReferenceRuntime.Difference(streamed.detach(), whole.detach()), 0, 1e-12);
        var weights = randn(whole.shape, ScalarType.Float64);
        (whole * weights).sum().backward();
        (streamed * weights).sum().backward();
        Assert.InRange(ReferenceRuntime.Difference(other.grad!, one.grad!), 0, 1e-12);
    }

    /// <summary>A map of half the size, resized to the whole one's, to which it is added.</summary>
    private static Network ToSize(string mode, string coordinates) => new Network()
        .Node("MaxPool", ["x"], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }))
        .Node("Shape", ["x"])
        .Node(
            "Resize",
            ["MaxPool", "", "", "Shape"],
            ("mode", mode),
            ("coordinate_transformation_mode", coordinates),
            ("nearest_mode", "floor"))
        .Node("Add", ["x", "Resize"]);
}
