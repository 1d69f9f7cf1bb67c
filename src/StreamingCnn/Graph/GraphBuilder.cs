using StreamingCnn.Geometry;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Reductions;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>Traces a trunk into a <see cref="NetworkGraph"/>, and names its layers by their paths.</summary>
internal sealed class GraphBuilder
{
    private readonly List<TraceStep> steps = [];
    private readonly List<GraphNode> nodes = [];
    private readonly List<ReductionNode> reductions = [];
    private readonly List<SmallNode> smalls = [];
    private readonly Dictionary<Module, string> paths = new(ReferenceEqualityComparer.Instance);
    private readonly bool frozenBatchNorm;
    private readonly Module trunk;
    private readonly bool isWhole;

    // Inside a block, Linear and LayerNorm mean "at each pixel", for there the traced graph is the definition of forward.
    private int blocks;

    /// <param name="trunk">What is traced.</param>
    /// <param name="frozenBatchNorm">Whether batch norms use their running statistics in training mode.</param>
    /// <param name="isWhole">
    /// Whether the graph is the trunk's own forward on a whole image, in which <c>call</c> runs the layers' hooks.
    /// </param>
    private GraphBuilder(Module trunk, bool frozenBatchNorm, bool isWhole)
    {
        this.trunk = trunk;
        this.frozenBatchNorm = frozenBatchNorm;
        this.isWhole = isWhole;
        foreach (var (path, module) in trunk.named_modules())
            paths.TryAdd(module, path);
    }

    /// <summary>Whether the number of channels of a source is being looked for.</summary>
    public bool IsOpen => nodes is [{ Channels: OpenChannels.Number }, ..];

    /// <summary>Traces a trunk, to be streamed, for an image with the given number of channels.</summary>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed.</exception>
    public static TracedNetwork Trace(Module<Tensor, Tensor> trunk, long channels, bool frozenBatchNorm = false)
    {
        var builder = new GraphBuilder(trunk, frozenBatchNorm, isWhole: false);
        return builder.Network([builder.Through(trunk, builder.Source(channels))]);
    }

    /// <inheritdoc cref="Trace(Module{Tensor, Tensor}, long, bool)"/>
    public static TracedNetwork Trace(MultiOutputBlock trunk, long channels, bool frozenBatchNorm = false) =>
        new GraphBuilder(trunk, frozenBatchNorm, isWhole: false).Outputs(builder => trunk.Trace(builder.Source(channels)));

    /// <summary>Traces a trunk, to be streamed, for inputs with the given numbers of channels.</summary>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed.</exception>
    public static TracedNetwork Trace(MultiInputBlock trunk, IReadOnlyList<long> channels, bool frozenBatchNorm = false) =>
        new GraphBuilder(trunk, frozenBatchNorm, isWhole: false).Outputs(builder => trunk.Trace(builder.Sources(channels)));

    /// <summary>Traces a trunk and the loss of its map, to be streamed: of the image, the target, and the mask if there is one.</summary>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed, or the map does not fit the target.</exception>
    public static TracedNetwork Trace(
        Module<Tensor, Tensor> trunk, MapLoss loss, IReadOnlyList<long> channels, bool frozenBatchNorm = false)
    {
        var builder = new GraphBuilder(trunk, frozenBatchNorm, isWhole: false);
        var sources = builder.Sources(channels);
        return builder.Network([builder.Loss(loss, builder.Map(trunk, builder.Through(trunk, sources[0])), sources)]);
    }

    /// <summary>Traces a block's own forward.</summary>
    /// <exception cref="UnsupportedLayerException">The engine does not know a layer.</exception>
    public static TracedNetwork TraceForward(StreamingBlock block, long channels)
    {
        var builder = new GraphBuilder(block, frozenBatchNorm: false, isWhole: true);
        return builder.Network([builder.Inside(block, builder.Source(channels))]);
    }

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static TracedNetwork TraceForward(StreamingHead head, long channels)
    {
        var builder = new GraphBuilder(head, frozenBatchNorm: false, isWhole: true);
        return builder.Network([builder.Inside(head, builder.Source(channels))]);
    }

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static TracedNetwork TraceForward(MultiOutputBlock block, long channels) =>
        new GraphBuilder(block, frozenBatchNorm: false, isWhole: true).Outputs(builder => block.Trace(builder.Source(channels)));

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static TracedNetwork TraceForward(MultiInputBlock block, IReadOnlyList<long> channels) =>
        new GraphBuilder(block, frozenBatchNorm: false, isWhole: true).Outputs(builder => block.Trace(builder.Sources(channels)));

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static TracedNetwork TraceForward(MapLoss loss, IReadOnlyList<long> channels)
    {
        var builder = new GraphBuilder(loss, frozenBatchNorm: false, isWhole: true);
        var sources = builder.Sources(channels);
        return builder.Network([builder.Loss(loss, sources[0], sources)]);
    }

    /// <summary>What a module makes of a map or a small tensor.</summary>
    public NetworkValue Through(Module<Tensor, Tensor> module, NetworkValue input) =>
        input is FeatureMap map ? Through(module, map) : Small(module, (GlobalTensor)input);

    /// <summary>What is behind a module. Types are recognised exactly: what derives from one may compute anything.</summary>
    public NetworkValue Through(Module<Tensor, Tensor> module, FeatureMap input)
    {
        if (LayerRegistry.IsTaught(module))
            return Layer(module, input);
        switch (module)
        {
            case Sequential sequential when sequential.GetType() == typeof(Sequential):
                RefuseHooks(module);
                return sequential.children().Aggregate((NetworkValue)input, (value, child) => Through(Child(sequential, child), value));
            case StreamingBlock inner:
                RefuseHooks(module);
                return Inside(inner, input);
            case StreamingHead head:
                RefuseHooks(module);
                return Inside(head, input);
            case var identity when LayerRegistry.IsIdentity(identity):
                RefuseHooks(module);
                return input;
            default:
                return LayerRegistry.Global(module, new(blocks > 0, frozenBatchNorm)) is { } layer
                    ? Global(module, layer, input)
                    : Layer(module, input);
        }
    }

    /// <summary>
    /// What a convolution with zero padding makes of a map, its weights being standardised. It is not called, so hooks are refused.
    /// </summary>
    public FeatureMap Standardised(Conv2d convolution, FeatureMap input)
    {
        RefuseHooks(convolution);
        return Add(new StandardisedConvolutionLayer(convolution), [input], PathOf(convolution));
    }

    /// <summary>A map that a module gave; a small tensor cannot go where a map is needed.</summary>
    public FeatureMap Map(Module module, NetworkValue value) => value as FeatureMap
        ?? throw new UnsupportedLayerException(
            PathOf(module), module.GetType().Name, "gives a small tensor, where a map is needed; use FeatureMap.Pooled");

    /// <summary>A small tensor that a module gave.</summary>
    public GlobalTensor Small(Module module, NetworkValue value) => value as GlobalTensor
        ?? throw new UnsupportedLayerException(
            PathOf(module), module.GetType().Name, "gives a map, where a small tensor is needed; use FeatureMap.Through");

    /// <summary>The small tensor that a module makes of another one.</summary>
    public GlobalTensor Small(Module<Tensor, Tensor> module, GlobalTensor input)
    {
        // Some modules change their argument, or return it.
        var function = new SmallFunction(tensors => module.call(tensors[0].clone()))
        {
            Name = module.GetType().Name,
            Parameters = [.. module.parameters()],
            Modules = [.. module.modules().Prepend(module)],
        };
        return Small(function, [input], PathOf(module));
    }

    /// <summary>The small tensor that a function makes of others.</summary>
    public GlobalTensor Small(SmallFunction function, IReadOnlyList<GlobalTensor> inputs, string? path = null)
    {
        path ??= $"{function.Name}#{smalls.Count}";
        RefuseForeign(inputs, path, function.Name);
        return AddSmall(new(smalls.Count, path) { Function = function, Inputs = [.. inputs.Select(input => input.Index)] });
    }

    /// <summary>What a reduction gives of maps.</summary>
    public IReadOnlyList<GlobalTensor> Reduce(MapReduction reduction, IReadOnlyList<FeatureMap> operands, string? path = null)
    {
        path ??= $"{reduction.Name}#{reductions.Count}";
        RefuseForeign(operands, path, reduction.Name);
        try
        {
            if (operands.Count != reduction.Operands)
                throw new ArgumentException($"is of {reduction.Operands} maps, but {operands.Count} were given");
            reduction.Check([.. operands.Select(operand => operand.Count)]);
        }
        catch (ArgumentException reason)
        {
            throw new UnsupportedLayerException(path, reduction.Name, reason.Message, reason);
        }

        var index = reductions.Count;
        steps.Add(new(TracedKind.Reduction, index));
        var results = Enumerable.Range(smalls.Count, reduction.Results).ToArray();
        reductions.Add(new(index, path, reduction, [.. operands.Select(operand => operand.Node)], results));
        return [.. results.Select((small, result) => AddSmall(new(small, path) { Reduction = index, Result = result }))];
    }

    public FeatureMap Add(
        LocalLayer layer, FeatureMap[] inputs, string? path = null, Module? taught = null, IReadOnlyList<GlobalTensor>? smalls = null)
    {
        path ??= $"{layer.Name}#{nodes.Count}";
        RefuseForeign([.. inputs, .. smalls ?? []], path, layer.Name);
        try
        {
            if (IsOpen && layer.InputChannels is { } wanted)
                OpenChannels.Fix(inputs[0].Count, wanted);
            var channels = layer.OutputChannels([.. inputs.Select(input => input.Count)]);
            return AddMap(new(nodes.Count, layer, [.. inputs.Select(input => input.Node)], channels, path) { Taught = taught });
        }
        catch (GeometryException reason)
        {
            throw new UnsupportedLayerException(path, layer.Name, reason.Message, reason);
        }
    }

    private TracedNetwork Outputs(Func<GraphBuilder, IReadOnlyList<NetworkValue>?> trace)
    {
        RefuseHooks(trunk);
        blocks++;
        return trace(this) is { Count: > 0 } outputs
            ? Network([.. outputs.Select(value => Own(value, trunk))])
            : throw new UnsupportedLayerException("", trunk.GetType().Name, "gives no map in Trace; return at least one");
    }

    /// <summary>An output's node. A source is read, not computed, so one that is an output gets a layer that copies it.</summary>
    private TracedOutput Output(NetworkValue value) => value is FeatureMap map
        ? new(false, nodes[map.Node].IsSource ? Add(new IdentityLayer(), [map]).Node : map.Node)
        : new(true, ((GlobalTensor)value).Index);

    private TracedNetwork Network(IReadOnlyList<NetworkValue> outputs)
    {
        // First, for they may add layers.
        var last = outputs.Select(Output).ToArray();
        return new TracedNetwork(steps, nodes, reductions, smalls, last);
    }

    private void RefuseForeign(IReadOnlyList<NetworkValue> values, string path, string name)
    {
        if (values.Any(value => value.Builder != this))
            throw new UnsupportedLayerException(path, name, "joins maps of different networks; trace them from the same input");
    }

    private FeatureMap AddMap(GraphNode node)
    {
        steps.Add(new(TracedKind.Map, node.Index));
        nodes.Add(node);
        return new FeatureMap(this, node.Index, node.Channels);
    }

    private GlobalTensor AddSmall(SmallNode small)
    {
        steps.Add(new(TracedKind.Small, small.Index));
        smalls.Add(small);
        return new GlobalTensor(this, small.Index);
    }

    /// <summary>A layer that looks at the whole map. A whole run calls it, hooks and all.</summary>
    private NetworkValue Global(Module<Tensor, Tensor> module, GlobalLayer layer, FeatureMap input)
    {
        var path = PathOf(module);
        if (!isWhole)
        {
            RefuseHooks(module);
            if (layer.Refusal(module) is { } refusal)
                throw new UnsupportedLayerException(path, module.GetType().Name, refusal);
            return layer.Trace(module, input, path);
        }

        return layer.GivesMap
            ? Add(new WholeModuleLayer(module), [input], path)
            : Reduce(new WholeModuleReduction(module), [input], path)[0];
    }

    private GlobalTensor Loss(MapLoss loss, FeatureMap output, FeatureMap[] sources) =>
        Own(loss.Of(output, sources[1], sources.ElementAtOrDefault(2)), loss);

    private FeatureMap Layer(Module<Tensor, Tensor> module, FeatureMap input)
    {
        // A whole run calls the layer, hooks and all.
        if (!isWhole)
        {
            RefuseHooks(module);
            ForwardHooks.Refuse(module.named_modules().Select(inner =>
                (paths.GetValueOrDefault(inner.module, $"{PathOf(module)}.{inner.name}"), inner.module)));
        }

        return Add(Describe(module), [input], PathOf(module), LayerRegistry.IsTaught(module) ? module : null);
    }

    private FeatureMap Inside(StreamingBlock inner, FeatureMap input)
    {
        blocks++;
        var output = Own(inner.Trace(input), inner);
        blocks--;
        return output;
    }

    private GlobalTensor Inside(StreamingHead inner, FeatureMap input)
    {
        blocks++;
        var output = Own(inner.Trace(input), inner);
        blocks--;
        return output;
    }

    /// <summary>What a block gives; one that it has kept from another trace would be read as another map of this one.</summary>
    private T Own<T>(T? map, Module giver)
        where T : NetworkValue => map is not null && map.Builder == this
        ? map
        : throw new UnsupportedLayerException(
            PathOf(giver),
            giver.GetType().Name,
            map is null
                ? "gives no map in Trace; return one"
                : "gives a map of another network in Trace; make it of the input anew each time");

    private Module<Tensor, Tensor> Child(Sequential sequential, Module child) => child as Module<Tensor, Tensor>
        ?? throw new UnsupportedLayerException(
            PathOf(child),
            child.GetType().Name,
            $"is no module from a tensor to a tensor; a {sequential.GetType().Name} of others cannot be streamed");

    /// <summary>Refuses hooks of a module that is not called; those of the block whose forward this is are its caller's to run.</summary>
    private void RefuseHooks(Module module)
    {
        if (!isWhole || module != trunk)
            ForwardHooks.Refuse([(module == trunk ? "" : PathOf(module), module)]);
    }

    private FeatureMap Source(long channels, string name = "image") => AddMap(new(nodes.Count, null, [], channels, name));

    private FeatureMap[] Sources(IReadOnlyList<long> channels) => [.. channels.Select((count, input) => Source(count, $"input {input}"))];

    private LocalLayer Describe(Module<Tensor, Tensor> module)
    {
        var (layer, refusal, isUnknown) = LayerRegistry.Describe(module, new(blocks > 0, frozenBatchNorm));
        return layer ?? throw new UnsupportedLayerException(PathOf(module), module.GetType().Name, refusal!) { IsUnknown = isUnknown };
    }

    private string PathOf(Module module) => paths.GetValueOrDefault(module, module.GetType().Name);
}
