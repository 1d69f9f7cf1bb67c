using StreamingCnn.Geometry;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Reductions;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>A trace under way: what symbols of maps and small tensors stand for, and how more are made of them.</summary>
internal sealed class Tracing
{
    private readonly TracedParts parts = new();
    private readonly ModulePaths paths;
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
    public Tracing(Module trunk, bool frozenBatchNorm, bool isWhole)
    {
        this.trunk = trunk;
        this.frozenBatchNorm = frozenBatchNorm;
        this.isWhole = isWhole;
        paths = new(trunk);
    }

    /// <summary>Whether the number of channels of a source is being looked for.</summary>
    public bool IsOpen => parts.Maps is [{ Channels: OpenChannels.Number }, ..];

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
        path ??= $"{function.Name}#{parts.Smalls.Count}";
        RefuseForeign(inputs, path, function.Name);
        return Symbol(
            parts.Add(new SmallNode(parts.Smalls.Count, path) { Function = function, Inputs = [.. inputs.Select(input => input.Index)] }));
    }

    /// <summary>What a reduction gives of maps.</summary>
    public IReadOnlyList<GlobalTensor> Reduce(MapReduction reduction, IReadOnlyList<FeatureMap> operands, string? path = null)
    {
        path ??= $"{reduction.Name}#{parts.Reductions.Count}";
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

        return [.. parts.Add(reduction, [.. operands.Select(operand => operand.Node)], path).Select(Symbol)];
    }

    public FeatureMap Add(
        LocalLayer layer,
        FeatureMap[] inputs,
        string? path = null,
        Module? taught = null,
        IReadOnlyList<GlobalTensor>? smalls = null,
        FeatureMap? sizeOf = null)
    {
        path ??= $"{layer.Name}#{parts.Maps.Count}";
        RefuseForeign([.. inputs, .. smalls ?? [], .. sizeOf is null ? [] : new[] { sizeOf }], path, layer.Name);
        try
        {
            if (IsOpen && layer.InputChannels is { } wanted)
                OpenChannels.Fix(inputs[0].Count, wanted);
            var channels = layer.OutputChannels([.. inputs.Select(input => input.Count)]);
            return Symbol(parts.Add(new GraphNode(parts.Maps.Count, layer, [.. inputs.Select(input => input.Node)], channels, path)
            {
                Taught = taught,
                SizeOf = sizeOf?.Node ?? -1,
            }));
        }
        catch (GeometryException reason)
        {
            throw new UnsupportedLayerException(path, layer.Name, reason.Message, reason);
        }
    }

    /// <summary>The network of what a trunk with several outputs gives.</summary>
    /// <param name="trace">Its outputs.</param>
    public TracedNetwork Outputs(Func<Tracing, IReadOnlyList<NetworkValue>?> trace)
    {
        RefuseHooks(trunk);
        blocks++;
        return trace(this) is { Count: > 0 } outputs
            ? Network([.. outputs.Select(value => Own(value, trunk))])
            : throw new UnsupportedLayerException("", trunk.GetType().Name, "gives no map in Trace; return at least one");
    }

    /// <summary>An output's node. A source is read, not computed, so one that is an output gets a layer that copies it.</summary>
    private TracedOutput Output(NetworkValue value) => value is FeatureMap map
        ? new(false, parts.Maps[map.Node].IsSource ? Add(new IdentityLayer(), [map]).Node : map.Node)
        : new(true, ((GlobalTensor)value).Index);

    /// <summary>The network of some outputs.</summary>
    public TracedNetwork Network(IReadOnlyList<NetworkValue> outputs)
    {
        // First, for they may add layers.
        var last = outputs.Select(Output).ToArray();
        return parts.Network(last);
    }

    private void RefuseForeign(IReadOnlyList<NetworkValue> values, string path, string name)
    {
        if (values.Any(value => value.Builder != this))
            throw new UnsupportedLayerException(path, name, "joins maps of different networks; trace them from the same input");
    }

    private FeatureMap Symbol(GraphNode map) => new(this, map.Index, map.Channels);

    private GlobalTensor Symbol(SmallNode small) => new(this, small.Index);

    /// <summary>A layer that looks at the whole map. A whole run calls it, hooks and all.</summary>
    private NetworkValue Global(Module<Tensor, Tensor> module, GlobalLayer layer, FeatureMap input)
    {
        var path = PathOf(module);
        if (!isWhole)
        {
            RefuseHooks(module);
            if (layer.Refusal(module) is { } refusal)
                throw new UnsupportedLayerException(path, module.GetType().Name, refusal);
            return Called(module, input, layer.Trace(module, input, path));
        }

        return layer.GivesMap
            ? Add(new WholeModuleLayer(module), [input], path)
            : Reduce(new WholeModuleReduction(module), [input], path)[0];
    }

    /// <summary>The loss of an output, with the target and the mask that stand behind the image among the sources.</summary>
    public GlobalTensor Loss(MapLoss loss, FeatureMap output, FeatureMap[] sources) =>
        Own(loss.Of(output, sources[1], sources.ElementAtOrDefault(2)), loss);

    private FeatureMap Layer(Module<Tensor, Tensor> module, FeatureMap input)
    {
        // A whole run calls the layer, hooks and all.
        if (!isWhole)
        {
            RefuseHooks(module);
            paths.RefuseHooksInside(module);
        }

        return Add(Describe(module), [input], PathOf(module), LayerRegistry.IsTaught(module) ? module : null);
    }

    /// <summary>What a block makes of a map.</summary>
    public FeatureMap Inside(StreamingBlock inner, FeatureMap input)
    {
        blocks++;
        var output = Own(inner.Trace(input), inner);
        blocks--;
        return Called(inner, input, output);
    }

    /// <summary>What a head makes of a map.</summary>
    public GlobalTensor Inside(StreamingHead inner, FeatureMap input)
    {
        blocks++;
        var output = Own(inner.Trace(input), inner);
        blocks--;
        return Called(inner, input, output);
    }

    private T Called<T>(Module module, FeatureMap input, T output)
        where T : NetworkValue
    {
        parts.Add(new TracedCall(
            module, PathOf(module), input.Node, output is FeatureMap map
                ? new(false, map.Node)
                : new(true, ((GlobalTensor)(NetworkValue)output).Index)));
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
            paths.RefuseHooks(module);
    }

    /// <summary>A source of the network.</summary>
    public FeatureMap Source(long channels, string name = "image") =>
        Symbol(parts.Add(new GraphNode(parts.Maps.Count, null, [], channels, name)));

    /// <summary>Several sources of the network.</summary>
    public FeatureMap[] Sources(IReadOnlyList<long> channels) => [.. channels.Select((count, input) => Source(count, $"input {input}"))];

    private LocalLayer Describe(Module<Tensor, Tensor> module)
    {
        var (layer, refusal, isUnknown) = LayerRegistry.Describe(module, new(blocks > 0, frozenBatchNorm));
        return layer ?? throw new UnsupportedLayerException(PathOf(module), module.GetType().Name, refusal!) { IsUnknown = isUnknown };
    }

    private string PathOf(Module module) => paths.Of(module);
}
