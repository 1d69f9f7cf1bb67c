using StreamingCnn.Onnx.Format;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import;

/// <summary>A node while it is imported: what it reads and how it is set.</summary>
/// <param name="builder">The network that it becomes a part of.</param>
/// <param name="node">The node.</param>
/// <param name="opset">The version of the operators.</param>
/// <param name="values">All values so far.</param>
internal sealed class NodeContext(NetworkBuilder builder, OnnxNode node, long opset, IReadOnlyDictionary<string, OnnxValue> values)
{
    /// <summary>The network.</summary>
    public NetworkBuilder Builder => builder;

    /// <summary>The node.</summary>
    public OnnxNode Node => node;

    /// <summary>The version of the operators.</summary>
    public long Opset => opset;

    /// <summary>How many inputs there are.</summary>
    public int Inputs => node.Inputs.Count;

    /// <summary>How many outputs there are.</summary>
    public int Outputs => node.Outputs.Count;

    /// <summary>What the node is called in the network: its name, or that of what it gives.</summary>
    public string Name => node.Title;

    /// <summary>An input; null where it is left out.</summary>
    public OnnxValue? Optional(int input) => input < node.Inputs.Count && node.Inputs[input].Length > 0
        ? values.GetValueOrDefault(node.Inputs[input])
            ?? throw new RefusedNodeException($"reads '{node.Inputs[input]}', which nothing gives")
        : null;

    /// <summary>An input.</summary>
    public OnnxValue Input(int input) => Optional(input) ?? throw new RefusedNodeException($"lacks its input {input}");

    /// <summary>A map with axes for images, channels, rows and columns; channels that were transposed are moved.</summary>
    public MapValue Map(int input) => Input(input) is MapValue map
        ? Plain(map)
        : throw new RefusedNodeException("is not applied to a map of rows and columns");

    /// <summary>The same of any value.</summary>
    public MapValue Plain(MapValue map) => Layout.Plain(map, builder) is { } plain
        ? plain
        : throw new RefusedNodeException("needs a map of images, channels, rows and columns, but gets it reshaped or transposed");

    /// <summary>An input whose channels stand in order, wherever they stand: those of a map that was shuffled are moved.</summary>
    public OnnxValue Ordered(int input) => Input(input) is MapValue { ChannelAxis: < 0 } map
        ? Layout.Plain(map, builder) ?? map
        : Input(input);

    /// <summary>An input that stands in the file.</summary>
    public ConstantValue Constant(int input) => Input(input) as ConstantValue
        ?? throw new RefusedNodeException($"computes its input {input} ('{node.Inputs[input]}'), which must stand in the file");

    /// <summary>An input that stands in the file, or null where it is left out.</summary>
    public ConstantValue? OptionalConstant(int input) => Optional(input) is null ? null : Constant(input);

    /// <summary>A whole number.</summary>
    public long Integer(string name, long fallback) => node.Attributes.GetValueOrDefault(name)?.Integer ?? fallback;

    /// <summary>A number.</summary>
    public double Real(string name, double fallback) => node.Attributes.GetValueOrDefault(name)?.Single ?? fallback;

    /// <summary>Text.</summary>
    public string Text(string name, string fallback) => node.Attributes.GetValueOrDefault(name)?.Text ?? fallback;

    /// <summary>Whole numbers; null where there are none.</summary>
    public long[]? Integers(string name) => node.Attributes.GetValueOrDefault(name)?.Integers?.ToArray();

    /// <summary>Whole numbers that became an input in a later version; null where they are left out.</summary>
    public long[]? IntegersOf(string name, int input) => Integers(name) ?? (Optional(input) switch
    {
        null => null,
        ConstantValue constant => constant.Integers(),
        ShapeValue shape when shape.Numbers.All(number => number.IsKnown) => [.. shape.Numbers.Select(number => number.Factor)],
        _ => throw new RefusedNodeException($"computes its {name} from the size of the image"),
    });

    /// <summary>An axis, counted from 0.</summary>
    public static int Axis(long axis, int rank) => axis >= -rank && axis < rank
        ? (int)(axis < 0 ? axis + rank : axis)
        : throw new RefusedNodeException($"names the axis {axis} of {rank}");

    /// <summary>The name of a module whose parameters are initialisers: what their names have in common, or the node's.</summary>
    /// <param name="weights">The weights, and what the module calls them.</param>
    public string ModuleName(params IReadOnlyList<(ConstantValue? Value, string Own)> weights)
    {
        // One that was transposed has a mark behind its name.
        var prefixes = weights.Where(weight => weight.Value is not null)
            .Select(weight => (Name: weight.Value!.Name.TrimEnd('\''), End: "." + weight.Own))
            .Where(weight => weight.Name.EndsWith(weight.End, StringComparison.Ordinal))
            .Select(weight => weight.Name[..^weight.End.Length]).Distinct().ToArray();
        return prefixes is [var one] ? one : Name;
    }

    /// <summary>Says that an initialiser has become a parameter.</summary>
    /// <param name="value">The initialiser.</param>
    /// <param name="now">Its values now, in the file's shape.</param>
    public void Keep(ConstantValue? value, Func<Tensor> now)
    {
        if (value is not { Name.Length: > 0 })
            return;
        var (name, current) = (value.Name, now);
        while (builder.Derived.TryGetValue(name, out var derived))
        {
            var laid = current;
            (name, current) = (derived.Name, () => derived.Back(laid()));
        }

        if (builder.Initialisers.TryGetValue(name, out var known))
            known.Add(current);
        else
            builder.Initialisers.Add(name, [current]);
    }

    /// <summary>What a module of weights and bias gives, which are the file's; its parameters are those of the initialisers.</summary>
    public OnnxValue Through(OnnxValue input, nn.Module<Tensor, Tensor> module, ConstantValue weight, ConstantValue? bias)
    {
        Keep(module, weight, bias);
        return builder.Through(input, module, ModuleName((weight, "weight"), (bias, "bias")));
    }

    /// <summary>What a convolution gives whose weights, which are the file's, are standardised.</summary>
    public MapValue Standardised(MapValue input, Conv2d convolution, ConstantValue weight, ConstantValue? bias)
    {
        Keep(convolution, weight, bias);
        return builder.Standardised(input, convolution, ModuleName((weight, "weight"), (bias, "bias")));
    }

    private void Keep(nn.Module module, ConstantValue weight, ConstantValue? bias)
    {
        Keep(weight, () => Current("weight", weight));
        if (bias is not null)
            Keep(bias, () => Current("bias", bias));

        Tensor Current(string parameter, ConstantValue value) => module.get_parameter(parameter)!.reshape([.. value.Shape]);
    }

    /// <summary>
    /// A module made of initialisers, which is the same where another node has the same ones and is set the same.
    /// </summary>
    /// <param name="make">Makes it.</param>
    /// <param name="settings">All that it is made of besides.</param>
    /// <param name="weights">The initialisers.</param>
    public TModule Shared<TModule>(Func<TModule> make, string settings, params IReadOnlyList<ConstantValue?> weights)
        where TModule : nn.Module<Tensor, Tensor>
    {
        var names = weights.Select(weight => weight?.Name ?? "").ToArray();
        var key = $"{typeof(TModule).Name}|{settings}|{string.Join('|', names)}";
        if (names.All(name => name.Length > 0) && builder.Shared.TryGetValue(key, out var known))
            return (TModule)known;
        var module = make();
        builder.Shared[key] = module;
        return module;
    }
}
