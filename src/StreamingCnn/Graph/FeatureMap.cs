using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A symbolic feature map: an edge of a network's graph. A <see cref="StreamingBlock"/> describes its computation with maps, and the engine
/// runs the description on whole images or tile by tile.
/// </summary>
public sealed class FeatureMap
{
    internal FeatureMap(GraphBuilder builder, int node, long channels)
    {
        Builder = builder;
        Node = node;
        Count = channels;
    }

    /// <summary>Number of channels.</summary>
    public long Channels => Builder.IsOpen ? throw new OpenChannelsException(null) : Count;

    /// <summary>The same, also where it is open.</summary>
    internal long Count { get; }

    internal GraphBuilder Builder { get; }

    internal int Node { get; }

    /// <summary>
    /// The map that <paramref name="layer"/> makes of this one: any supported TorchSharp layer, a Sequential, a <see cref="StreamingBlock"/>, or
    /// a layer taught with <see cref="LayerRegistry"/>. Linear and LayerNorm act on the channels of each pixel.
    /// </summary>
    /// <exception cref="UnsupportedLayerException">The layer cannot be streamed or does not accept this number of channels.</exception>
    public FeatureMap Through(Module<Tensor, Tensor> layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return Builder.Through(layer, this);
    }

    /// <summary>Some of the channels.</summary>
    /// <param name="start">First channel, from 0.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="UnsupportedLayerException">The map has no such channels.</exception>
    public FeatureMap Slice(long start, long count) => Builder.Add(new ChannelSliceLayer(start, count), [this]);

    /// <summary>The sum of two maps, which must agree in channels and size.</summary>
    /// <exception cref="UnsupportedLayerException">They do not agree in channels; sizes are compared when an image comes.</exception>
    public static FeatureMap operator +(FeatureMap a, FeatureMap b) => Add(a, b);

    /// <summary>The product of two maps, position by position; they must agree in channels and size.</summary>
    /// <exception cref="UnsupportedLayerException">They do not agree in channels; sizes are compared when an image comes.</exception>
    public static FeatureMap operator *(FeatureMap a, FeatureMap b) => Multiply(a, b);

    /// <inheritdoc cref="op_Addition"/>
    public static FeatureMap Add(FeatureMap a, FeatureMap b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return a.Builder.Add(new AdditionLayer(), [a, b]);
    }

    /// <inheritdoc cref="op_Multiply"/>
    public static FeatureMap Multiply(FeatureMap a, FeatureMap b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return a.Builder.Add(new MultiplicationLayer(), [a, b]);
    }

    /// <summary>The maps one behind the other along channels; they must agree in size, which is compared when an image comes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no map.</exception>
    public static FeatureMap Concat(params FeatureMap[] maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        ArgumentOutOfRangeException.ThrowIfZero(maps.Length, nameof(maps));
        return maps[0].Builder.Add(new ConcatenationLayer(), maps);
    }
}
