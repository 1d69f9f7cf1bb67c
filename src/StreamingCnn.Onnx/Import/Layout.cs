using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Import;

/// <summary>Reshapes and transposes maps without moving anything, and moves channels where that is what it came to.</summary>
internal static class Layout
{
    /// <summary>The map with axes for images, channels, rows and columns; null where it has others.</summary>
    public static MapValue? Plain(MapValue map, NetworkBuilder builder)
    {
        if (map.IsPlain)
            return map;
        if (map.Axes is not [[{ Kind: AtomKind.Images }], var channels, [{ Kind: AtomKind.Rows }], [{ Kind: AtomKind.Columns }]]
            || channels.Any(atom => atom.Kind != AtomKind.Channels))
        {
            return null;
        }

        long[] places = [.. channels.Select(atom => (long)atom.Place)];
        if (places.SequenceEqual(places.Order()))
            return MapValue.Plain(map.Slot, map.Channels, map.Size);
        var order = Order(channels);
        return MapValue.Plain(Permuted(map, order, builder).Slot, map.Channels, map.Size);
    }

    /// <summary>The map with channels in another order.</summary>
    /// <param name="map">A map.</param>
    /// <param name="order">Of each channel that comes out, which it is.</param>
    /// <param name="builder">The network.</param>
    public static MapValue Permuted(MapValue map, long[] order, NetworkBuilder builder) => builder.Map(
        map,
        map.Channels,
        values => ((FeatureMap)values[0]).AtEachPosition("Permute", (maps, _) =>
        {
            using var index = tensor(order, device: maps[0].device);
            return maps[0].index_select(1, index);
        }));

    /// <summary>The axes of a map in another order.</summary>
    public static MapValue Transposed(MapValue map, IReadOnlyList<long> order)
    {
        if (order.Count != map.Axes.Count || !order.Order().SequenceEqual(Enumerable.Range(0, order.Count).Select(axis => (long)axis)))
            throw new RefusedNodeException($"transposes {map.Axes.Count} axes by [{string.Join(", ", order)}]");
        return map with { Axes = [.. order.Select(axis => map.Axes[(int)axis])] };
    }

    /// <summary>The map with the same values in the same order, seen as other dimensions.</summary>
    /// <param name="map">The map.</param>
    /// <param name="target">The dimensions; -1 for one that follows.</param>
    public static MapValue Reshaped(MapValue map, IReadOnlyList<Number> target)
    {
        var left = new LinkedList<Atom>(map.Axes.SelectMany(axis => axis));
        var axes = new Atom[target.Count][];
        var open = -1;
        for (var i = 0; i < target.Count && open < 0; i++)
        {
            if (target[i] == -1)
                open = i;
            else
                axes[i] = Take(left, target[i], map.Size, fromEnd: false);
        }

        if (open >= 0)
        {
            for (var i = target.Count - 1; i > open; i--)
                axes[i] = Take(left, target[i], map.Size, fromEnd: true);
            axes[open] = [.. left];
            left.Clear();
        }

        if (left.Count > 0)
            throw NoReshape(map, target);
        return Joined(map with { Axes = Renumbered(axes) });

        RefusedNodeException NoReshape(MapValue from, IReadOnlyList<Number> to) =>
            new($"reshapes [{string.Join(", ", from.Shape)}] to [{string.Join(", ", to)}], which mixes positions or images");

        Atom[] Take(LinkedList<Atom> from, Number wanted, MapSize size, bool fromEnd)
        {
            var taken = new List<Atom>();
            Number product = 1;
            while (taken.Count == 0 || !product.Agrees(wanted))
            {
                if (taken.Count == 0 && wanted == 1 && !(Next() is { } one && one.Extent(size).Agrees(1)))
                    return [];
                if (Next() is not { } atom)
                    throw NoReshape(map, target);
                from.Remove(atom);
                if (atom.Kind == AtomKind.Channels && wanted.IsKnown && Rest(wanted, product) is { } part && part < atom.Count)
                {
                    if (atom.Count % part != 0)
                        throw NoReshape(map, target);
                    // Two places for one: later ones are counted anew at the end.
                    var (first, second) = fromEnd ? (atom.Count / part, part) : (part, atom.Count / part);
                    var (upper, lower) = (atom with { Count = first }, atom with { Count = second });
                    (atom, var remaining) = fromEnd ? (lower, upper) : (upper, lower);
                    if (fromEnd)
                        from.AddLast(remaining);
                    else
                        from.AddFirst(remaining);
                }

                taken.Insert(fromEnd ? 0 : taken.Count, atom);
                product *= atom.Extent(size);
            }

            return [.. taken];

            Atom? Next() => from.Count == 0 ? null : fromEnd ? from.Last!.Value : from.First!.Value;
        }

        static long? Rest(Number wanted, Number product) =>
            product.IsKnown && product.Factor > 0 && wanted.Factor % product.Factor == 0 ? wanted.Factor / product.Factor : null;
    }

    /// <summary>A single number for each channel of a map, of what is laid out as its axes are.</summary>
    /// <param name="map">The map.</param>
    /// <param name="shape">The dimensions of what is laid along the map's last axes.</param>
    /// <param name="values">As many.</param>
    /// <returns>One for each channel, or one for all.</returns>
    public static double[] OfChannels(MapValue map, IReadOnlyList<long> shape, double[] values)
    {
        if (values.Length == 1)
            return values;
        using var scope = NewDisposeScope();
        var rank = map.Axes.Count;
        if (shape.Count > rank)
        {
            if (shape.Take(shape.Count - rank).Any(side => side != 1))
                throw new RefusedNodeException("adds axes to a map");
            shape = [.. shape.Skip(shape.Count - rank)];
        }

        // Each axis of channels is spread over its pieces; others have a single value.
        var (narrow, wide, places) = (new List<long>(), new List<long>(), new List<int>());
        for (var axis = 0; axis < rank; axis++)
        {
            var at = axis - (rank - shape.Count);
            var side = at < 0 ? 1 : shape[at];
            var atoms = map.Axes[axis].Where(atom => atom.Kind == AtomKind.Channels).ToArray();
            if (side != 1
                && (atoms.Length != map.Axes[axis].Length || atoms.Aggregate(1L, (product, atom) => product * atom.Count) != side))
            {
                throw new RefusedNodeException(
                    $"has values for the shape [{string.Join(", ", shape)}], which differ from position to position or do not fit the map");
            }

            narrow.AddRange(atoms.Select(atom => side == 1 ? 1 : atom.Count));
            wide.AddRange(atoms.Select(atom => atom.Count));
            places.AddRange(atoms.Select(atom => atom.Place));
        }

        var order = places.Select((place, index) => (place, index)).OrderBy(pair => pair.place).Select(pair => (long)pair.index).ToArray();
        return tensor(values).reshape([.. narrow]).expand([.. wide]).permute(order).reshape(-1).data<double>().ToArray();
    }

    private static long[] Order(Atom[] channels)
    {
        using var scope = NewDisposeScope();
        var lying = channels.OrderBy(atom => atom.Place).ToArray();
        var count = channels.Aggregate(1L, (product, atom) => product * atom.Count);
        return KeptScalars.Range(0, count, ScalarType.Int64, CPU).reshape([.. lying.Select(atom => atom.Count)])
            .permute([.. channels.Select(atom => (long)Array.IndexOf(lying, atom))]).reshape(-1).data<long>().ToArray();
    }

    /// <summary>Places counted anew: a piece that was cut has left two with the same.</summary>
    private static Atom[][] Renumbered(Atom[][] axes)
    {
        var next = 0;
        var lying = axes.SelectMany((axis, i) => axis.Select((atom, j) => (atom, i, j)))
            .Where(entry => entry.atom.Kind == AtomKind.Channels).OrderBy(entry => entry.atom.Place).ToArray();
        foreach (var (atom, i, j) in lying)
            axes[i][j] = atom with { Place = next++ };
        return axes;
    }

    /// <summary>Neighbouring pieces of the channels that lie one behind the other become one again.</summary>
    private static MapValue Joined(MapValue map)
    {
        var axes = map.Axes.Select(axis => axis.ToList()).ToArray();
        foreach (var axis in axes)
        {
            for (var i = axis.Count - 1; i > 0; i--)
            {
                if (axis[i] is { Kind: AtomKind.Channels } lower
                    && axis[i - 1] is { Kind: AtomKind.Channels } upper
                    && lower.Place == upper.Place + 1)
                {
                    axis[i - 1] = upper with { Count = upper.Count * lower.Count };
                    axis.RemoveAt(i);
                }
            }
        }

        return map with { Axes = Renumbered([.. axes.Select(axis => axis.ToArray())]) };
    }
}
