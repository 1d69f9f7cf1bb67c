using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Onnx.Format;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Export;

/// <summary>Modules as nodes of ONNX, by their exact types.</summary>
internal static class LayerWriters
{
    private static readonly Dictionary<Type, Func<Module, GraphWriter, string, string, string>> Writers = [];

    static LayerWriters()
    {
        Add<Conv2d>(Convolution);
        Add<ConvTranspose2d>(Transposed);
        Add<BatchNorm2d>((norm, graph, name, x) => graph.Node(
            "BatchNormalization",
            name,
            [
                x,
                norm.weight is { } weight ? graph.Parameter(weight, name + ".weight") : graph.Tensor(name + ".weight", ones(norm.num_features)),
                norm.bias is { } bias ? graph.Parameter(bias, name + ".bias") : graph.Tensor(name + ".bias", zeros(norm.num_features)),
                graph.Parameter(norm.running_mean!, name + ".running_mean"),
                graph.Parameter(norm.running_var!, name + ".running_var"),
            ],
            ("epsilon", Real(norm.eps)),
            ("momentum", Real(1 - (norm.momentum ?? 0.1)))));
        Plain<ReLU>("Relu");
        Plain<Sigmoid>("Sigmoid");
        Plain<Tanh>("Tanh");
        Plain<Softplus>("Softplus");
        Plain<Softsign>("Softsign");
        Plain<Hardswish>("HardSwish");
        Add<ReLU6>((_, graph, name, x) => graph.Node("Clip", name, [x, graph.Number(0), graph.Number(6)]));
        Add<Hardsigmoid>((_, graph, name, x) => graph.Node("HardSigmoid", name, [x], ("alpha", Real(1 / 6.0)), ("beta", Real(0.5))));
        Add<LeakyReLU>((layer, graph, name, x) => graph.Node("LeakyRelu", name, [x], ("alpha", Real(layer.negative_slope))));
        Add<ELU>((layer, graph, name, x) => graph.Node("Elu", name, [x], ("alpha", Real(layer.alpha))));
        Add<PReLU>((layer, graph, name, x) => graph.Node("PRelu", name, [x, graph.Parameter(layer.weight!, name + ".weight", -1, 1, 1)]));
        Add<SiLU>((_, graph, name, x) => graph.Node("Mul", name, [x, graph.Node("Sigmoid", name + ".sigmoid", [x])]));
        Add<GELU>(Gelu);
        Add<MaxPool2d>((pool, graph, name, x) => Pool(graph, "MaxPool", name, x, new(
            Pair.From(pool.kernel_size), Pair.From(pool.stride, Pair.From(pool.kernel_size)), Pair.From(pool.padding), pool.ceil_mode),
            ("dilations", Both(Pair.From(pool.dilation, new(1, 1))))));
        Add<AvgPool2d>((pool, graph, name, x) => pool.divisor_override is null
            ? Pool(graph, "AveragePool", name, x, new(
                Pair.From(pool.kernel_size), Pair.From(pool.stride, Pair.From(pool.kernel_size)), Pair.From(pool.padding), pool.ceil_mode),
                ("count_include_pad", Whole(pool.count_include_pad ? 1 : 0)))
            : throw new RefusedLayerException("divides by a number of its own, which ONNX has no form for"));
        Add<PixelShuffle>((layer, graph, name, x) => graph.Node(
            "DepthToSpace", name, [x], ("blocksize", Whole(layer.upscale_factor)), ("mode", new() { Text = "CRD" })));
        Add<Upsample>(Resize);
        Add<ZeroPad2d>((pad, graph, name, x) => Pad(pad, graph, name, x, "constant"));
        Add<ConstantPad2d>((pad, graph, name, x) => Pad(pad, graph, name, x, "constant"));
        Add<ReflectionPad2d>((pad, graph, name, x) => Pad(pad, graph, name, x, "reflect"));
        Add<ReplicationPad2d>((pad, graph, name, x) => Pad(pad, graph, name, x, "edge"));
        Add<ChannelLayerNorm>((norm, graph, name, x) => OverChannels(graph, name, x, last => graph.Node(
            "LayerNormalization",
            name + ".norm",
            [last, graph.Parameter(norm.Weight, name + ".weight"), graph.Parameter(norm.Bias, name + ".bias")],
            ("axis", Whole(-1)),
            ("epsilon", Real(norm.Eps)))));
        Add<LayerNorm>((norm, graph, name, x) => norm.normalized_shape.Length == 1 && norm.weight is { } weight
            ? OverChannels(graph, name, x, last => graph.Node(
                "LayerNormalization",
                name + ".norm",
                [last, graph.Parameter(weight, name + ".weight"), .. norm.bias is { } bias ? (string[])[graph.Parameter(bias, name + ".bias")] : []],
                ("axis", Whole(-1)),
                ("epsilon", Real(norm.eps))))
            : throw new RefusedLayerException("normalises over more than channels, or has no weight"));
        Add<ChannelScale>((scale, graph, name, x) => graph.Node("Mul", name, [x, graph.Parameter(scale.Weight, name + ".weight", -1, 1, 1)]));
        Add<Linear>((linear, graph, name, x) => OverChannels(graph, name, x, last =>
        {
            var product = graph.Node("MatMul", name + ".product", [last, graph.Tensor("onnx::" + name + ".weight", linear.weight.t())]);
            return linear.bias is { } bias ? graph.Node("Add", name + ".sum", [product, graph.Parameter(bias, name + ".bias")]) : product;
        }));
        Add<Softmax>((softmax, graph, name, x) => graph.Node("Softmax", name, [x], ("axis", Whole(softmax.dim))));
    }

    /// <summary>Writes a module.</summary>
    /// <param name="module">The module.</param>
    /// <param name="graph">Where to.</param>
    /// <param name="name">The module's path.</param>
    /// <param name="input">What it reads.</param>
    /// <returns>What it gives.</returns>
    /// <exception cref="RefusedLayerException">ONNX has no form for it, or none is known here.</exception>
    public static string Write(Module module, GraphWriter graph, string name, string input) =>
        Writers.TryGetValue(module.GetType(), out var write)
            ? write(module, graph, name, input)
            : throw new RefusedLayerException("is a layer that is not written as ONNX");

    /// <summary>A whole number.</summary>
    public static OnnxAttribute Whole(long value) => new() { Integer = value };

    private static string Convolution(Conv2d convolution, GraphWriter graph, string name, string x)
    {
        var (kernel, dilation) = (Pair.From(convolution.kernel_size), Pair.From(convolution.dilation, new(1, 1)));
        var before = Pair.From(convolution.padding);
        var after = before;
        if (convolution.padding_type == TorchSharp.Padding.Same)
        {
            var total = new Pair(dilation.Rows * (kernel.Rows - 1), dilation.Columns * (kernel.Columns - 1));
            before = new(total.Rows / 2, total.Columns / 2);
            after = new(total.Rows - before.Rows, total.Columns - before.Columns);
        }

        if (convolution.padding_mode is not (PaddingModes.Zeros or PaddingModes.Constant))
        {
            var mode = convolution.padding_mode == PaddingModes.Reflect ? "reflect" : "edge";
            x = graph.Node(
                "Pad",
                name + ".pad",
                [x, graph.Integers(0, 0, before.Rows, before.Columns, 0, 0, after.Rows, after.Columns)],
                ("mode", new() { Text = mode }));
            before = after = default;
        }

        string[] inputs = [x, graph.Parameter(convolution.weight!, name + ".weight")];
        return graph.Node(
            "Conv",
            name,
            convolution.bias is { } bias ? [.. inputs, graph.Parameter(bias, name + ".bias")] : inputs,
            ("kernel_shape", Both(kernel)),
            ("strides", Both(Pair.From(convolution.stride, new(1, 1)))),
            ("dilations", Both(dilation)),
            ("pads", new() { Integers = [before.Rows, before.Columns, after.Rows, after.Columns] }),
            ("group", Whole(convolution.groups)));
    }

    private static string Transposed(ConvTranspose2d convolution, GraphWriter graph, string name, string x)
    {
        var padding = Pair.From(convolution.padding);
        string[] inputs = [x, graph.Parameter(convolution.weight!, name + ".weight")];
        return graph.Node(
            "ConvTranspose",
            name,
            convolution.bias is { } bias ? [.. inputs, graph.Parameter(bias, name + ".bias")] : inputs,
            ("kernel_shape", Both(Pair.From(convolution.kernel_size))),
            ("strides", Both(Pair.From(convolution.stride, new(1, 1)))),
            ("dilations", Both(Pair.From(convolution.dilation, new(1, 1)))),
            ("pads", new() { Integers = [padding.Rows, padding.Columns, padding.Rows, padding.Columns] }),
            ("output_padding", Both(Pair.From(convolution.output_padding))),
            ("group", Whole(convolution.groups)));
    }

    /// <summary>The exact one, x (erf(x / √2) + 1) / 2, which an operator of its own is in newer versions alone.</summary>
    private static string Gelu(GELU layer, GraphWriter graph, string name, string x)
    {
        var error = graph.Node("Erf", name + ".erf", [graph.Node("Div", name + ".scaled", [x, graph.Number(Math.Sqrt(2))])]);
        var product = graph.Node("Mul", name + ".product", [x, graph.Node("Add", name + ".sum", [error, graph.Number(1)])]);
        return graph.Node("Mul", name, [product, graph.Number(0.5)]);
    }

    private static string Pool(
        GraphWriter graph, string operation, string name, string x, PoolSettings pool, (string, OnnxAttribute) own) => graph.Node(
        operation,
        name,
        [x],
        ("kernel_shape", Both(pool.Kernel)),
        ("strides", Both(pool.Stride)),
        ("pads", new() { Integers = [pool.Padding.Rows, pool.Padding.Columns, pool.Padding.Rows, pool.Padding.Columns] }),
        ("ceil_mode", Whole(pool.IsCeiling ? 1 : 0)),
        own);

    private static string Resize(Upsample layer, GraphWriter graph, string name, string x)
    {
        if (layer.scale_factor is not { Length: > 0 } factors)
            throw new RefusedLayerException("resizes to a size of its own, whatever the image's; give it a factor");
        var scales = graph.Tensor(name + ".scales", tensor([1, 1, factors[0], factors[^1]]));
        var isNearest = layer.mode == UpsampleMode.Nearest;
        var coordinates = isNearest ? "asymmetric" : layer.align_corners == true ? "align_corners" : "pytorch_half_pixel";
        return graph.Node(
            "Resize",
            name,
            [x, "", scales],
            ("mode", new() { Text = isNearest ? "nearest" : "linear" }),
            ("coordinate_transformation_mode", new() { Text = coordinates }),
            ("nearest_mode", new() { Text = "floor" }));
    }

    private static string Pad(PadBase pad, GraphWriter graph, string name, string x, string mode)
    {
        var (left, right, top, bottom) = pad.padding switch
        {
            [var all] => (all, all, all, all),
            [var before, var after, var above, var below] => (before, after, above, below),
            _ => throw new RefusedLayerException("pads an axis alone; give four numbers"),
        };
        string[] value = mode == "constant" ? [graph.Number(pad.value)] : [];
        return graph.Node("Pad", name, [x, graph.Integers(0, 0, top, left, 0, 0, bottom, right), .. value], ("mode", new() { Text = mode }));
    }

    /// <summary>What acts on the last dimension, on channels.</summary>
    private static string OverChannels(GraphWriter graph, string name, string x, Func<string, string> write)
    {
        var last = graph.Node("Transpose", name + ".last", [x], ("perm", new() { Integers = [0, 2, 3, 1] }));
        return graph.Node("Transpose", name, [write(last)], ("perm", new() { Integers = [0, 3, 1, 2] }));
    }

    private static OnnxAttribute Real(double value) => new() { Single = (float)value };

    private static OnnxAttribute Both(Pair pair) => new() { Integers = [pair.Rows, pair.Columns] };

    private static void Plain<TModule>(string operation)
        where TModule : Module => Add<TModule>((_, graph, name, x) => graph.Node(operation, name, [x]));

    private static void Add<TModule>(Func<TModule, GraphWriter, string, string, string> write)
        where TModule : Module => Writers.Add(typeof(TModule), (module, graph, name, x) => write((TModule)module, graph, name, x));

    private readonly record struct PoolSettings(Pair Kernel, Pair Stride, Pair Padding, bool IsCeiling);
}
