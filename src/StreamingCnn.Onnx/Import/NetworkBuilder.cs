using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import;

/// <summary>Puts an imported network together: its modules, its parameters, and the steps of its trace.</summary>
/// <param name="root">The module that is made.</param>
internal sealed class NetworkBuilder(Module root)
{
    // Large, and divisible by whatever strides divide lengths by.
    private const long LongSide = 720_720L << 6;

    private readonly List<Step> steps = [];
    private readonly Dictionary<int, MapValue> ofSize = [];
    private int slots = 1;
    private int sizes;

    /// <summary>The module's parts by name.</summary>
    public ParameterTree Tree { get; } = new(root);

    /// <summary>Of initialisers that have become parameters: their values now, in the file's shape, for each layer that has them.</summary>
    public Dictionary<string, List<Func<Tensor>>> Initialisers { get; } = [];

    /// <summary>Nodes whose parameters no initialiser has the shape of.</summary>
    public List<string> WithoutInitialiser { get; } = [];

    /// <summary>Initialisers that were reshaped or transposed: of which one each is made, and how that is undone.</summary>
    public Dictionary<string, (string Name, Func<Tensor, Tensor> Back)> Derived { get; } = [];

    /// <summary>Parameters that belong to no module, by their initialisers' names.</summary>
    public Dictionary<string, Func<Parameter>> Parameters { get; } = [];

    /// <summary>Modules that were made of initialisers: a second node with the same is the same module.</summary>
    public Dictionary<string, Module<Tensor, Tensor>> Shared { get; } = [];

    /// <summary>The steps that lead to some slots.</summary>
    public ImportedProgram Program(params IReadOnlyList<int> outputs) => new(steps, slots, outputs);

    /// <summary>The image.</summary>
    public MapValue Image(long channels, long? images, long? height, long? width)
    {
        var size = NewSize(images, height, width);
        return ofSize[size.Id] = MapValue.Plain(0, channels, size);
    }

    /// <summary>A map whose sides are two numbers; null where there is none.</summary>
    public MapValue? Sized(Number height, Number width) => ofSize.Values.FirstOrDefault(map =>
        new Atom(AtomKind.Rows).Extent(map.Size) == height && new Atom(AtomKind.Columns).Extent(map.Size) == width);

    /// <summary>The map that a step makes of others of its size.</summary>
    public MapValue Map(MapValue first, long channels, Func<NetworkValue[], NetworkValue> apply, params IReadOnlyList<OnnxValue> others) =>
        first with
        {
            Slot = Emit(apply, [first, .. others]),
            Channels = channels,
            Axes = channels == first.Channels ? first.Axes : first.AxesWith(channels),
        };

    /// <summary>The map that a layer makes of another.</summary>
    public MapValue Layer(MapValue input, LocalLayer layer, string path)
    {
        var channels = layer.OutputChannels([input.Channels]);
        var slot = Emit(values => ((FeatureMap)values[0]).Builder.Add(layer, [(FeatureMap)values[0]], path), input);
        return Sized(input, layer, slot, channels);
    }

    /// <summary>What a module makes of a map or a small tensor. It becomes a part of the network, unless it is one.</summary>
    /// <param name="input">The map or small tensor.</param>
    /// <param name="module">The module.</param>
    /// <param name="name">What it is called.</param>
    public OnnxValue Through(OnnxValue input, Module<Tensor, Tensor> module, string name)
    {
        if (!Tree.Has(module))
            Tree.Add(name, module);
        if (input is SmallValue small)
            return Small(small, module);
        var map = (MapValue)input;
        var slot = Emit(values => ((FeatureMap)values[0]).Through(module), map);
        // A norm or a gate, which keeps channels and size.
        if (module is StreamingBlock)
            return map with { Slot = slot };
        var (layer, refusal, _) = LayerRegistry.Describe(module, new(IsInBlock: true, FrozenBatchNorm: true));
        if (layer is null)
        {
            return LayerRegistry.Global(module, new(true, true)) is { GivesMap: true }
                ? map with { Slot = slot }
                : throw new RefusedNodeException(refusal ?? "gives no map");
        }

        return Sized(map, layer, slot, layer.OutputChannels([map.Channels]));
    }

    /// <summary>The map that a convolution makes of another whose weights are standardised.</summary>
    public MapValue Standardised(MapValue input, Conv2d convolution, string name)
    {
        if (!Tree.Has(convolution))
            Tree.Add(name, convolution);
        var layer = new StandardisedConvolutionLayer(convolution);
        var slot = Emit(
            values => ((FeatureMap)values[0]).Builder.Standardised(convolution, (FeatureMap)values[0]), input);
        return Sized(input, layer, slot, layer.OutputChannels([input.Channels]));
    }

    /// <summary>The small tensor that a pooling makes of a map.</summary>
    public SmallValue Pooled(MapValue map, Module<Tensor, Tensor> pooling, string name)
    {
        Tree.Add(name, pooling);
        return new(Emit(values => ((FeatureMap)values[0]).Pooled(pooling), map), [-1, map.Channels, 1, 1]);
    }

    /// <summary>A small tensor that a step makes of maps.</summary>
    public SmallValue Small(IReadOnlyList<long> shape, Func<NetworkValue[], NetworkValue> apply, params IReadOnlyList<OnnxValue> inputs) =>
        new(Emit(apply, inputs), shape);

    /// <summary>The small tensor that a function makes of others.</summary>
    /// <param name="name">What the function is called.</param>
    /// <param name="function">The function, of the small tensors and the parameters.</param>
    /// <param name="inputs">The small tensors.</param>
    /// <param name="parameters">Find the parameters.</param>
    public SmallValue Small(
        string name,
        Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>, Tensor> function,
        IReadOnlyList<SmallValue> inputs,
        params IReadOnlyList<Func<Parameter>> parameters)
    {
        var shape = SmallShapes.Of(tensors => function(tensors, [.. parameters.Select(parameter => parameter())]), inputs);
        return new(Emit(Apply, inputs), shape);

        NetworkValue Apply(NetworkValue[] values)
        {
            Parameter[] used = [.. parameters.Select(parameter => parameter())];
            var whole = new SmallFunction(Own) { Name = name, Parameters = used };
            return values[0].Builder.Small(whole, [.. values.Cast<GlobalTensor>()]);

            // Arguments and result are disposed by themselves.
            Tensor Own(IReadOnlyList<Tensor> tensors) =>
                function(tensors, used) is var result && tensors.Any(tensor => ReferenceEquals(tensor, result)) ? result.alias() : result;
        }
    }

    /// <summary>A size that no map has had so far.</summary>
    private MapSize NewSize(long? images, long? height, long? width) => new(sizes++, images, height, width);

    private SmallValue Small(SmallValue input, Module<Tensor, Tensor> module) => new(
        Emit(values => ((GlobalTensor)values[0]).Through(module), input),
        SmallShapes.Of(tensors => module.call(tensors[0].clone()), [input]));

    private MapValue Sized(MapValue input, LocalLayer layer, int slot, long channels)
    {
        if (layer.IsPointwise || layer is PointwiseLayer)
        {
            return input with
            {
                Slot = slot,
                Channels = channels,
                Axes = channels == input.Channels ? input.Axes : input.AxesWith(channels),
            };
        }

        var (height, width) = (Length(layer, Axis.Rows, input.Size.Height), Length(layer, Axis.Columns, input.Size.Width));
        var size = NewSize(input.Size.Images, height, width) with
        {
            Scale = (input.Size.Scale.Rows * Shrinkage(layer, Axis.Rows), input.Size.Scale.Columns * Shrinkage(layer, Axis.Columns)),
        };
        return ofSize[size.Id] = MapValue.Plain(slot, channels, size);
    }

    /// <summary>How many positions of a long map make one of the layer's; 0 where it takes no such map.</summary>
    private static double Shrinkage(LocalLayer layer, Axis axis)
    {
        if (Length(layer, axis, LongSide) is not { } length || length < 1)
            return 0;
        // Borders change it a little.
        return length > LongSide / 2 ? 1 / Math.Round((double)length / LongSide) : Math.Round((double)LongSide / length);
    }

    /// <summary>The length of a layer's map for the file's own size; null where there is none.</summary>
    private static long? Length(LocalLayer layer, Axis axis, long? length)
    {
        try
        {
            return length is { } given ? layer.Along(axis, given).OutputLength : null;
        }
        catch (GeometryException)
        {
            return null;
        }
    }

    private int Emit(Func<NetworkValue[], NetworkValue> apply, params IReadOnlyList<OnnxValue> operands)
    {
        int[] read = [.. operands.Select(operand => operand is MapValue map ? map.Slot : ((SmallValue)operand).Slot)];
        steps.Add(new(read, slots, apply));
        return slots++;
    }
}
