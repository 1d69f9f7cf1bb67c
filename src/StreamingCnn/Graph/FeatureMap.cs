using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A symbolic feature map: an edge of a network's graph. A <see cref="StreamingBlock"/> describes its computation with maps, and the engine
/// runs the description on whole images or tile by tile.
/// </summary>
public sealed class FeatureMap : NetworkValue
{
    internal FeatureMap(Tracing builder, int node, long channels)
        : base(builder)
    {
        Node = node;
        Count = channels;
    }

    /// <summary>Number of channels.</summary>
    public long Channels => Builder.IsOpen ? throw new OpenChannelsException(null) : Count;

    /// <summary>The same, also where it is open.</summary>
    internal long Count { get; }

    internal int Node { get; }

    /// <summary>
    /// The map that <paramref name="layer"/> makes of this one: any supported TorchSharp layer, a Sequential, a
    /// <see cref="StreamingBlock"/>, or a layer taught with <see cref="LayerRegistry"/>. Linear and LayerNorm act on the channels of each
    /// pixel.
    /// </summary>
    /// <exception cref="UnsupportedLayerException">The layer cannot be streamed or does not accept this number of channels.</exception>
    public FeatureMap Through(Module<Tensor, Tensor> layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return Builder.Map(layer, Builder.Through(layer, this));
    }

    /// <summary>
    /// The small tensor that <paramref name="layer"/> makes of the whole map: adaptive pooling, a <see cref="StreamingHead"/>, or a
    /// Sequential that ends with one, with any modules behind it.
    /// </summary>
    /// <exception cref="UnsupportedLayerException">The layer gives a map, or cannot be streamed.</exception>
    public GlobalTensor Pooled(Module<Tensor, Tensor> layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return Builder.Small(layer, Builder.Through(layer, this));
    }

    /// <summary>What a reduction gives of this map and others, which must agree in size. Reductions of one map share a sweep.</summary>
    /// <param name="reduction">The reduction.</param>
    /// <param name="others">The operands behind this one: a mask, scores.</param>
    /// <returns>Its results, in the network's type.</returns>
    /// <exception cref="UnsupportedLayerException">The operands do not fit the reduction.</exception>
    public IReadOnlyList<GlobalTensor> Reduce(MapReduction reduction, params FeatureMap[] others)
    {
        ArgumentNullException.ThrowIfNull(reduction);
        ArgumentNullException.ThrowIfNull(others);
        return Builder.Reduce(reduction, [this, .. others]);
    }

    /// <summary>The mean over all positions, [N, C].</summary>
    public GlobalTensor Mean() =>
        GlobalTensor.Precisely(nameof(Mean), parts => parts[0] / parts[1], Builder.Reduce(new SumReduction(), [this]));

    /// <summary>The largest value of all positions, [N, C]; of equal ones the first in raster order gets the gradient.</summary>
    public GlobalTensor Max() => Builder.Reduce(new MaxReduction(), [this])[0];

    /// <summary>The map times a small tensor at each position.</summary>
    /// <param name="factors">[N, C] or [N, C, 1, 1]; N and C may be 1.</param>
    public FeatureMap Scale(GlobalTensor factors) => Affine(null, factors, null);

    /// <summary>The map plus a small tensor at each position.</summary>
    /// <param name="summands">[N, C] or [N, C, 1, 1]; N and C may be 1.</param>
    public FeatureMap Shift(GlobalTensor summands) => Affine(null, null, summands);

    /// <summary>The map times the logistic function of a small tensor at each position.</summary>
    /// <param name="logits">[N, C] or [N, C, 1, 1]; N and C may be 1.</param>
    public FeatureMap Gate(GlobalTensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        return Scale(logits.Apply(functional.sigmoid));
    }

    /// <summary>A map of this one's size with a small tensor at each position.</summary>
    /// <param name="values">[N, C] or [N, C, 1, 1].</param>
    /// <param name="channels">C.</param>
    public FeatureMap Filled(GlobalTensor values, long channels)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        return Builder.Add(new FilledLayer(channels) { Smalls = [values.Index] }, [this], smalls: [values]);
    }

    /// <summary>(x - centre) scale + shift at each position; each may be missing.</summary>
    /// <param name="centre">[N or 1, C].</param>
    /// <param name="scale">Of the same shape.</param>
    /// <param name="shift">Of the same shape.</param>
    /// <param name="path">Path of the module whose step it is.</param>
    /// <param name="norm">The norm whose last step it is.</param>
    /// <param name="size">The only size of maps that it takes.</param>
    internal FeatureMap Affine(
        GlobalTensor? centre,
        GlobalTensor? scale,
        GlobalTensor? shift,
        string? path = null,
        string? norm = null,
        (long Height, long Width)? size = null)
    {
        GlobalTensor[] smalls = [.. new[] { centre, scale, shift }.OfType<GlobalTensor>()];
        var layer = new AffineLayer(centre is not null, scale is not null, shift is not null)
        {
            Smalls = [.. smalls.Select(small => small.Index)],
            Norm = norm,
            Size = size,
        };
        return Builder.Add(layer, [this], path, smalls: smalls);
    }

    /// <summary>What a function makes of this map, others and small tensors at each position, recorded by autograd.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="function">The function, which uses no parameters: they come as small tensors.</param>
    /// <param name="others">The maps behind this one, each with as many channels, or one.</param>
    /// <param name="smalls">The small tensors.</param>
    /// <param name="kept">Maps that autograd keeps of it besides operands and output.</param>
    /// <param name="joinsChannels">Whether one channel comes out.</param>
    /// <param name="mask">
    /// Which of the maps is a mask, and what the function gives where that is 0 in all channels, without a slope; null where none is.
    /// </param>
    internal FeatureMap AtEachPosition(
        string name,
        MapFunction function,
        IReadOnlyList<FeatureMap>? others = null,
        IReadOnlyList<GlobalTensor>? smalls = null,
        int kept = 0,
        bool joinsChannels = false,
        (int Map, double Elsewhere)? mask = null)
    {
        FeatureMap[] maps = [this, .. others ?? []];
        var layer = new MapFunctionLayer(name, maps.Length, function)
        {
            Smalls = [.. (smalls ?? []).Select(small => small.Index)],
            Kept = kept,
            JoinsChannels = joinsChannels,
            Mask = mask,
        };
        return Builder.Add(layer, maps, smalls: smalls);
    }

    /// <summary>Some of the channels.</summary>
    /// <param name="start">First channel, from 0.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="UnsupportedLayerException">The map has no such channels.</exception>
    public FeatureMap Slice(long start, long count) => Builder.Add(new ChannelSliceLayer(start, count), [this]);

    /// <summary>
    /// The map where a mask is not 0 in any of its channels, and a number elsewhere, whatever stands there. Of an output whose mask is an
    /// input of the network, what only the rest reads is neither read nor computed.
    /// </summary>
    /// <param name="mask">The mask, of this map's size.</param>
    /// <param name="elsewhere">The number.</param>
    public FeatureMap Within(FeatureMap mask, double elsewhere = 0)
    {
        ArgumentNullException.ThrowIfNull(mask);
        return WhereValid(mask.ValidPositions(), elsewhere);
    }

    /// <summary>1 where the map is not 0 in any of its channels, else 0, in one channel.</summary>
    internal FeatureMap ValidPositions() => AtEachPosition(
        "Valid", (maps, _) => maps[0].to(ScalarType.Bool).any(1, keepdim: true).to(maps[0].dtype), joinsChannels: true, mask: (0, 0));

    /// <summary>
    /// The map with its values replaced where positions are not valid, so that whatever stands there is in no sum, and in no gradient:
    /// before any function of it, for a gradient of 0 times what is no number is none either.
    /// </summary>
    /// <param name="valid">What <see cref="ValidPositions"/> gives.</param>
    /// <param name="elsewhere">What the map is there.</param>
    internal FeatureMap WhereValid(FeatureMap valid, double elsewhere) => AtEachPosition(
        "Masked", (maps, _) => maps[0].FilledWhere(maps[1].logical_not(), elsewhere), [valid], mask: (1, elsewhere));

    /// <summary>The map resized to the height and width of another one, whatever they are.</summary>
    /// <param name="other">The map, or the image itself, of which nothing but the size is read.</param>
    /// <param name="mode">How: bilinear, bicubic, or by the nearest neighbour, as PyTorch's <c>interpolate</c> with a size.</param>
    /// <param name="alignCorners">Whether corner pixels are aligned, and not pixel centres; means nothing for nearest neighbours.</param>
    /// <exception cref="UnsupportedLayerException">The mode is another one.</exception>
    public FeatureMap ResizedTo(FeatureMap other, UpsampleMode mode = UpsampleMode.Bilinear, bool alignCorners = false)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (UpsamplingLayer.RefusalOf(mode) is { } refusal)
            throw new UnsupportedLayerException("", nameof(ResizedTo), refusal);
        SizedLayer layer = mode switch
        {
            UpsampleMode.Nearest => new NearestResizingLayer(),
            UpsampleMode.Bicubic => new BicubicResizingLayer(alignCorners),
            _ => new BilinearResizingLayer(alignCorners),
        };
        return Builder.Add(layer, [this], sizeOf: other);
    }

    /// <summary>
    /// The first rows and columns of the map, as many as another one has: what is left over at the end, where a map that was enlarged by a
    /// whole factor overhangs an odd size.
    /// </summary>
    /// <param name="other">The map, which must not be larger; that is found when an image comes.</param>
    public FeatureMap CroppedTo(FeatureMap other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Builder.Add(new CroppingLayer(), [this], sizeOf: other);
    }

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
