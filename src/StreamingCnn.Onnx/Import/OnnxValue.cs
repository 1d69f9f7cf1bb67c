using StreamingCnn.Onnx.Format;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import;

/// <summary>What a name in the file stands for.</summary>
internal abstract record OnnxValue;

/// <summary>What cannot be had, because a node before it was refused.</summary>
internal sealed record LostValue : OnnxValue;

/// <summary>Values that stand in the file, or follow from such.</summary>
/// <param name="Tensor">Where they stand.</param>
/// <param name="Learns">Whether it is an initialiser, which may be a parameter; a constant of the network's code is none.</param>
internal sealed record ConstantValue(OnnxTensor Tensor, bool Learns) : OnnxValue
{
    /// <summary>Name of the initialiser.</summary>
    public string Name => Tensor.Name;

    /// <summary>The dimensions.</summary>
    public IReadOnlyList<long> Shape => Tensor.Shape;

    /// <summary>The values, as whole numbers.</summary>
    public long[] Integers()
    {
        using var scope = NewDisposeScope();
        return Tensor.ToTensor().to(ScalarType.Int64).reshape(-1).data<long>().ToArray();
    }

    /// <summary>The values, as numbers.</summary>
    public double[] Numbers()
    {
        using var scope = NewDisposeScope();
        return Tensor.ToTensor().to(ScalarType.Float64).reshape(-1).data<double>().ToArray();
    }
}

/// <summary>Whole numbers that depend on the sizes of maps: one, or several in a row.</summary>
/// <param name="Numbers">The numbers.</param>
/// <param name="IsScalar">Whether it is one number without a dimension.</param>
internal sealed record ShapeValue(IReadOnlyList<Number> Numbers, bool IsScalar) : OnnxValue;

/// <summary>A small tensor.</summary>
/// <param name="Slot">Where it stands while the network is traced.</param>
/// <param name="Shape">Its dimensions; -1 where there is one for each image.</param>
internal sealed record SmallValue(int Slot, IReadOnlyList<long> Shape) : OnnxValue;

/// <summary>The size of maps, which is that of all maps made of one another position by position.</summary>
/// <param name="Id">Which.</param>
/// <param name="Images">Number of images in the file; null where it is open.</param>
/// <param name="Height">Height in the file; null where it is open.</param>
/// <param name="Width">Width in the file; null where it is open.</param>
internal sealed record MapSize(int Id, long? Images, long? Height, long? Width)
{
    /// <summary>
    /// Pixels of the image for a position, downwards and to the right, for images that are large; 0 where it is not known.
    /// </summary>
    public (double Rows, double Columns) Scale { get; init; } = (1, 1);
}

/// <summary>A map, as the file sees it.</summary>
/// <param name="Slot">Where it stands while the network is traced.</param>
/// <param name="Channels">Its channels.</param>
/// <param name="Size">Its size.</param>
/// <param name="Axes">What each axis is made of.</param>
internal sealed record MapValue(int Slot, long Channels, MapSize Size, IReadOnlyList<Atom[]> Axes) : OnnxValue
{
    /// <summary>A map whose axes are images, channels, rows and columns.</summary>
    public static MapValue Plain(int slot, long channels, MapSize size) => new(slot, channels, size, PlainAxes(channels));

    /// <summary>Whether the axes are images, channels, rows and columns.</summary>
    public bool IsPlain => HasAxes(PlainAxes(Channels));

    /// <summary>The dimensions.</summary>
    public IReadOnlyList<Number> Shape =>
        [.. Axes.Select(axis => axis.Aggregate((Number)1, (product, atom) => product * atom.Extent(Size)))];

    /// <summary>The axis that is all channels, in their order; -1 where there is none.</summary>
    public int ChannelAxis
    {
        get
        {
            for (var i = 0; i < Axes.Count; i++)
            {
                if (Axes[i] is [{ Kind: AtomKind.Channels }] axis && axis[0].Count == Channels)
                    return i;
            }

            return -1;
        }
    }

    /// <summary>Whether the axes are those.</summary>
    public bool HasAxes(IReadOnlyList<Atom[]> axes) =>
        Axes.Count == axes.Count && Axes.Zip(axes).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

    /// <summary>Whether the axes are made of the same kinds, whatever the number of channels.</summary>
    public bool IsLaidOutAs(MapValue other) =>
        Axes.Count == other.Axes.Count
        && Axes.Zip(other.Axes).All(pair => Kinds(pair.First).SequenceEqual(Kinds(pair.Second)));

    /// <summary>The axes with another number of channels, where all stand in one axis.</summary>
    public IReadOnlyList<Atom[]> AxesWith(long channels)
    {
        var axes = Axes.ToArray();
        axes[ChannelAxis] = [new(AtomKind.Channels, channels)];
        return axes;
    }

    private static IEnumerable<(AtomKind, int)> Kinds(Atom[] axis) => axis.Select(atom => (atom.Kind, atom.Place));

    private static Atom[][] PlainAxes(long channels) =>
        [[new(AtomKind.Images)], [new(AtomKind.Channels, channels)], [new(AtomKind.Rows)], [new(AtomKind.Columns)]];
}
