using StreamingCnn.Graph.Layers;
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
        Add<ChannelScale>(
            (scale, graph, name, x) => graph.Node("Mul", name, [x, graph.Parameter(scale.Weight, name + ".weight", -1, 1, 1)]));
        Add<Linear>((linear, graph, name, x) => OverChannels(graph, name, x, last => Product(
            graph,
            name,
            last,
            graph.Parameter(linear.weight, name + ".weight"),
            linear.bias is { } bias ? graph.Parameter(bias, name + ".bias") : null)));
        ActivationWriters.Add();
        NormWriters.Add();
        PoolingWriters.Add();
        AttentionWriters.Add();
    }

    /// <summary>Whether modules of a type are written.</summary>
    public static bool Knows(Module module) => Writers.ContainsKey(module.GetType());

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

    /// <summary>
    /// A convolution whose weights are standardised, by nodes that whoever reads the file computes once. The import knows them again.
    /// </summary>
    public static string Standardised(Conv2d convolution, GraphWriter graph, string name, string x)
    {
        var weight = graph.Parameter(convolution.weight, name + ".weight");
        var centred = graph.Node("Sub", name + ".centred", [weight, MeanOf(weight, ".mean")]);
        var variance = MeanOf(graph.Node("Mul", name + ".squared", [centred, centred]), ".variance");
        var sum = graph.Node("Add", name + ".variance.eps", [variance, graph.Number(StandardisedWeights.Eps)]);
        var deviation = graph.Node("Sqrt", name + ".deviation", [sum]);
        return Convolution(convolution, graph, name, x, graph.Node("Div", name + ".standardised", [centred, deviation]));

        string MeanOf(string value, string what) => graph.Node(
            "ReduceMean", name + what, [value], ("axes", new() { Integers = [1, 2, 3] }), ("keepdims", Whole(1)));
    }

    private static string Convolution(Conv2d convolution, GraphWriter graph, string name, string x) =>
        Convolution(convolution, graph, name, x, graph.Parameter(convolution.weight!, name + ".weight"));

    private static string Convolution(Conv2d convolution, GraphWriter graph, string name, string x, string weight)
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

        string[] inputs = [x, weight];
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
        return Resize(graph, name, [x, "", scales], layer.mode, layer.align_corners == true);
    }

    /// <summary>A resizing.</summary>
    /// <param name="graph">Where to.</param>
    /// <param name="name">What it is called.</param>
    /// <param name="inputs">What it reads: the map, and factors or sizes.</param>
    /// <param name="mode">How it interpolates.</param>
    /// <param name="alignCorners">Whether corner pixels are aligned.</param>
    public static string Resize(GraphWriter graph, string name, string[] inputs, UpsampleMode mode, bool alignCorners)
    {
        var isNearest = mode == UpsampleMode.Nearest;
        var text = isNearest ? "nearest" : mode == UpsampleMode.Bicubic ? "cubic" : "linear";
        var coordinates = isNearest ? "asymmetric" : alignCorners ? "align_corners" : "pytorch_half_pixel";
        return graph.Node(
            "Resize",
            name,
            inputs,
            ("mode", new() { Text = text }),
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
        return graph.Node(
            "Pad", name, [x, graph.Integers(0, 0, top, left, 0, 0, bottom, right), .. value], ("mode", new() { Text = mode }));
    }

    /// <summary>What acts on the last dimension, on channels.</summary>
    public static string OverChannels(GraphWriter graph, string name, string x, Func<string, string> write)
    {
        var last = graph.Node("Transpose", name + ".last", [x], ("perm", new() { Integers = [0, 2, 3, 1] }));
        return graph.Node("Transpose", name, [write(last)], ("perm", new() { Integers = [0, 3, 1, 2] }));
    }

    /// <summary>
    /// A linear layer along the last dimension. Its weight stands in the file as it is here, so that it keeps its name; readers turn it
    /// once.
    /// </summary>
    public static string Product(GraphWriter graph, string name, string last, string weight, string? bias)
    {
        var turned = graph.Node("Transpose", name + ".turned", [weight], ("perm", new() { Integers = [1, 0] }));
        var product = graph.Node("MatMul", name + ".product", [last, turned]);
        return bias is null ? product : graph.Node("Add", name + ".sum", [product, bias]);
    }

    /// <summary>A number.</summary>
    public static OnnxAttribute Real(double value) => new() { Single = (float)value };

    private static OnnxAttribute Both(Pair pair) => new() { Integers = [pair.Rows, pair.Columns] };

    /// <summary>Knows a module that is an operator without settings.</summary>
    public static void Plain<TModule>(string operation)
        where TModule : Module => Add<TModule>((_, graph, name, x) => graph.Node(operation, name, [x]));

    /// <summary>Knows a module.</summary>
    public static void Add<TModule>(Func<TModule, GraphWriter, string, string, string> write)
        where TModule : Module => Writers.Add(typeof(TModule), (module, graph, name, x) => write((TModule)module, graph, name, x));

    private readonly record struct PoolSettings(Pair Kernel, Pair Stride, Pair Padding, bool IsCeiling);
}
