using StreamingCnn.Geometry;
using StreamingCnn.Graph.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>Traces a trunk into a <see cref="NetworkGraph"/>, and names its layers by their paths.</summary>
internal sealed class GraphBuilder
{
    private readonly List<GraphNode> nodes = [];
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
    public static NetworkGraph Trace(Module<Tensor, Tensor> trunk, long channels, bool frozenBatchNorm = false)
    {
        var builder = new GraphBuilder(trunk, frozenBatchNorm, isWhole: false);
        var output = builder.Through(trunk, builder.Source(channels));
        return new NetworkGraph(builder.nodes, [builder.Output(output)]);
    }

    /// <inheritdoc cref="Trace(Module{Tensor, Tensor}, long, bool)"/>
    public static NetworkGraph Trace(MultiOutputBlock trunk, long channels, bool frozenBatchNorm = false) =>
        new GraphBuilder(trunk, frozenBatchNorm, isWhole: false).Outputs(builder => trunk.Trace(builder.Source(channels)));

    /// <summary>Traces a trunk, to be streamed, for inputs with the given numbers of channels.</summary>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed.</exception>
    public static NetworkGraph Trace(MultiInputBlock trunk, IReadOnlyList<long> channels, bool frozenBatchNorm = false) =>
        new GraphBuilder(trunk, frozenBatchNorm, isWhole: false).Outputs(builder => trunk.Trace(builder.Sources(channels)));

    /// <summary>Traces a block's own forward.</summary>
    /// <exception cref="UnsupportedLayerException">The engine does not know a layer.</exception>
    public static NetworkGraph TraceForward(StreamingBlock block, long channels)
    {
        var builder = new GraphBuilder(block, frozenBatchNorm: false, isWhole: true);
        return new NetworkGraph(builder.nodes, [builder.Output(builder.Inside(block, builder.Source(channels)))]);
    }

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static NetworkGraph TraceForward(MultiOutputBlock block, long channels) =>
        new GraphBuilder(block, frozenBatchNorm: false, isWhole: true).Outputs(builder => block.Trace(builder.Source(channels)));

    /// <inheritdoc cref="TraceForward(StreamingBlock, long)"/>
    public static NetworkGraph TraceForward(MultiInputBlock block, IReadOnlyList<long> channels) =>
        new GraphBuilder(block, frozenBatchNorm: false, isWhole: true).Outputs(builder => block.Trace(builder.Sources(channels)));

    /// <summary>The map behind a module. Types are recognised exactly: what derives from one may compute anything.</summary>
    public FeatureMap Through(Module<Tensor, Tensor> module, FeatureMap input)
    {
        if (LayerRegistry.IsTaught(module))
            return Layer(module, input);
        switch (module)
        {
            case Sequential sequential when sequential.GetType() == typeof(Sequential):
                RefuseHooks(module);
                return sequential.children().Aggregate(input, (map, child) => Through(Child(sequential, child), map));
            case StreamingBlock inner:
                RefuseHooks(module);
                return Inside(inner, input);
            case var identity when LayerRegistry.IsIdentity(identity):
                RefuseHooks(module);
                return input;
            default:
                return Layer(module, input);
        }
    }

    public FeatureMap Add(LocalLayer layer, FeatureMap[] inputs, string? path = null, Module? taught = null)
    {
        path ??= $"{layer.Name}#{nodes.Count}";
        if (inputs.Any(input => input.Builder != this))
            throw new UnsupportedLayerException(path, layer.Name, "joins maps of different networks; trace them from the same input");
        try
        {
            if (IsOpen && layer.InputChannels is { } wanted)
                OpenChannels.Fix(inputs[0].Count, wanted);
            var channels = layer.OutputChannels([.. inputs.Select(input => input.Count)]);
            var node = new GraphNode(nodes.Count, layer, [.. inputs.Select(input => input.Node)], channels, path) { Taught = taught };
            nodes.Add(node);
            return new FeatureMap(this, node.Index, channels);
        }
        catch (GeometryException reason)
        {
            throw new UnsupportedLayerException(path, layer.Name, reason.Message, reason);
        }
    }

    private NetworkGraph Outputs(Func<GraphBuilder, IReadOnlyList<FeatureMap>?> trace)
    {
        RefuseHooks(trunk);
        blocks++;
        return trace(this) is { Count: > 0 } outputs
            ? new NetworkGraph(nodes, [.. outputs.Select(map => Output(Own(map, trunk)))])
            : throw new UnsupportedLayerException("", trunk.GetType().Name, "gives no map in Trace; return at least one");
    }

    /// <summary>An output's node. A source is read, not computed, so one that is an output gets a layer that copies it.</summary>
    private int Output(FeatureMap map) => nodes[map.Node].IsSource ? Add(new IdentityLayer(), [map]).Node : map.Node;

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

    /// <summary>What a block gives; one that it has kept from another trace would be read as another map of this one.</summary>
    private FeatureMap Own(FeatureMap? map, Module giver) => map is not null && map.Builder == this
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

    private FeatureMap Source(long channels, string name = "image")
    {
        var node = new GraphNode(nodes.Count, null, [], channels, name);
        nodes.Add(node);
        return new FeatureMap(this, node.Index, channels);
    }

    private FeatureMap[] Sources(IReadOnlyList<long> channels) => [.. channels.Select((count, input) => Source(count, $"input {input}"))];

    private LocalLayer Describe(Module<Tensor, Tensor> module)
    {
        var (layer, refusal, isUnknown) = LayerRegistry.Describe(module, new(blocks > 0, frozenBatchNorm));
        return layer ?? throw new UnsupportedLayerException(PathOf(module), module.GetType().Name, refusal!) { IsUnknown = isUnknown };
    }

    private string PathOf(Module module) => paths.GetValueOrDefault(module, module.GetType().Name);
}
