using StreamingCnn.Geometry;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Models;
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
    private readonly bool ownsForward;

    private GraphBuilder(Module trunk, bool frozenBatchNorm)
    {
        this.frozenBatchNorm = frozenBatchNorm;
        // Inside a block, Linear and LayerNorm mean "at each pixel", for there the traced graph is the definition of forward.
        ownsForward = trunk is StreamingBlock or MultiOutputBlock;
        foreach (var (path, module) in trunk.named_modules())
            paths.TryAdd(module, path);
    }

    /// <summary>Traces a trunk for an image with the given number of channels.</summary>
    /// <exception cref="UnsupportedLayerException">A layer cannot be streamed.</exception>
    public static NetworkGraph Trace(Module<Tensor, Tensor> trunk, long channels, bool frozenBatchNorm = false)
    {
        var builder = new GraphBuilder(trunk, frozenBatchNorm);
        var output = builder.Through(trunk, builder.Image(channels));
        return new NetworkGraph(builder.nodes, [builder.Output(output)]);
    }

    /// <inheritdoc cref="Trace(Module{Tensor, Tensor}, long, bool)"/>
    public static NetworkGraph Trace(MultiOutputBlock trunk, long channels, bool frozenBatchNorm = false)
    {
        var builder = new GraphBuilder(trunk, frozenBatchNorm);
        var outputs = trunk.Trace(builder.Image(channels));
        return new NetworkGraph(builder.nodes, [.. outputs.Select(builder.Output)]);
    }

    public FeatureMap Through(Module<Tensor, Tensor> module, FeatureMap input)
    {
        switch (module)
        {
            case Sequential sequential:
                return sequential.children().Aggregate(input, (map, child) => Through((Module<Tensor, Tensor>)child, map));
            case StreamingBlock block:
                return block.Trace(input);
            case TorchSharp.Modules.Identity:
            case Dropout { training: false }:
            case Dropout2d { training: false }:
            case StochasticDepth { training: false }:
                return input;
            default:
                return Add(Describe(module), [input], PathOf(module));
        }
    }

    public FeatureMap Add(LocalLayer layer, FeatureMap[] inputs, string? path = null)
    {
        path ??= $"{layer.Name}#{nodes.Count}";
        if (inputs.Any(input => input.Builder != this))
            throw new UnsupportedLayerException(path, layer.Name, "joins maps of different networks; trace them from the same input");
        try
        {
            var channels = layer.OutputChannels([.. inputs.Select(input => input.Channels)]);
            var node = new GraphNode(nodes.Count, layer, [.. inputs.Select(input => input.Node)], channels, path);
            nodes.Add(node);
            return new FeatureMap(this, node.Index, channels);
        }
        catch (GeometryException reason)
        {
            throw new UnsupportedLayerException(path, layer.Name, reason.Message, reason);
        }
    }

    /// <summary>An output's node. The image itself is read, not computed, so a network without layers gets one that copies it.</summary>
    private int Output(FeatureMap map) => map.Node == 0 ? Add(new IdentityLayer(), [map]).Node : map.Node;

    private FeatureMap Image(long channels)
    {
        nodes.Add(new GraphNode(0, null, [], channels, "image"));
        return new FeatureMap(this, 0, channels);
    }

    private LocalLayer Describe(Module<Tensor, Tensor> module)
    {
        switch (module)
        {
            case BatchNorm2d norm:
                return new BatchNormLayer(norm, frozenBatchNorm);
            case Linear linear when ownsForward:
                return new ChannelsLastLayer(linear);
            case LayerNorm { normalized_shape.Length: 1 } norm when ownsForward:
                return new ChannelsLastLayer(norm);
            default:
                var (layer, refusal, isUnknown) = LayerRegistry.Describe(module);
                return layer ?? throw new UnsupportedLayerException(PathOf(module), module.GetType().Name, refusal!) { IsUnknown = isUnknown };
        }
    }

    private string PathOf(Module module) => paths.GetValueOrDefault(module, module.GetType().Name);
}
