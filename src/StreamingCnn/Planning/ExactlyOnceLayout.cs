using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>
/// The grid of exactly-once tiling along one axis. The source that sets the pace is cut at multiples of the tile as if it went on beyond
/// its border, the others as <see cref="SourceCuts"/> says, the cuts are carried through the network, and every map is thereby partitioned:
/// each position has one home.
/// </summary>
/// <remarks>
/// Virtual cuts are never clamped on their way; a map's own cuts are. What the late layers have held back when the image ends, about half a
/// receptive field, is either worked off by the last tile, or by a few tiles beyond the border, which are as small as the others.
/// </remarks>
internal sealed class ExactlyOnceLayout : AxisLayout
{
    private readonly long[][] cuts;
    private readonly long[][] lows;

    /// <param name="network">The network along this axis.</param>
    /// <param name="roles">Which maps are carried.</param>
    /// <param name="tile">Positions from one cut to the next of the source that sets the pace.</param>
    /// <param name="beyondBorder">Whether tiles beyond the border complete the maps, rather than the last tile over that source.</param>
    /// <param name="late">The maps that advance with every few tiles only; null where all do with every tile.</param>
    public ExactlyOnceLayout(AxisNetwork network, MapRoles roles, long tile, bool beyondBorder, LateMaps? late = null)
        : base(network)
    {
        var nodes = network.Graph.Nodes;
        var length = network.PaceLength;
        // A tile that covers that source computes everything at once.
        Steps = tile >= length ? 1 : checked((int)Division.Ceiling(beyondBorder ? length + Lag(network) : length, tile));
        cuts = Cuts(network, tile, Steps, late);
        lows = Lows(network, roles, cuts);
        foreach (var node in nodes)
        {
            if (cuts[node.Index][Steps] != network.Length(node.Index))
                throw new InvalidOperationException(
                    $"The grid leaves map {node} incomplete: {cuts[node.Index][Steps]} of {network.Length(node.Index)} positions.");
        }
    }

    /// <inheritdoc/>
    public override int Steps { get; }

    /// <summary>The first position of a map that tiles from <paramref name="step"/> on compute; its length at the end.</summary>
    public long Cut(int node, int step) => cuts[node][step];

    /// <summary>The first position that tiles from <paramref name="step"/> on still read: [low, cut) is carried across the cut.</summary>
    public long Low(int node, int step) => lows[node][step];

    /// <inheritdoc/>
    public override Interval Computed(int node, int step) => new(cuts[node][step], cuts[node][step + 1]);

    /// <inheritdoc/>
    public override Interval Owned(int output, int step) => Computed(output, step);

    /// <summary>
    /// How far beyond its border the source that sets the pace would have to go on for every map to be complete: about half a receptive
    /// field.
    /// </summary>
    public static long Lag(AxisNetwork network) => network.Reach(network.Graph.Nodes.Select(node => node.Index)) - network.PaceLength;

    private static long[][] Cuts(AxisNetwork network, long tile, int steps, LateMaps? late)
    {
        var nodes = network.Graph.Nodes;
        var cuts = nodes.Select(_ => new long[steps + 1]).ToArray();
        var virtualCut = new long[nodes.Count];
        var advances = late?.Advances(network, tile, steps);
        for (var step = 1; step <= steps; step++)
        {
            network.SourceCuts.At(step * tile).CopyTo(virtualCut, 0);
            foreach (var node in nodes)
            {
                // A map that waits stays where it is; what reads it follows by itself.
                if (!node.IsSource && (advances is null || advances[late!.Level(node.Index)][step - 1]))
                    virtualCut[node.Index] = network.Map(node.Index).VirtualCut(node.Inputs.Min(i => virtualCut[i]));
                cuts[node.Index][step] = step == steps
                    ? network.Length(node.Index)
                    : Math.Clamp(virtualCut[node.Index], 0, network.Length(node.Index));
            }
        }

        return cuts;
    }

    private static long[][] Lows(AxisNetwork network, MapRoles roles, long[][] cuts)
    {
        var nodes = network.Graph.Nodes;
        var lows = cuts.Select(c => (long[])c.Clone()).ToArray();
        for (var i = nodes.Count - 1; i >= network.Graph.FirstLayer; i--)
        {
            foreach (var input in nodes[i].Inputs)
            {
                for (var step = 0; step < lows[i].Length; step++)
                {
                    // A view is not carried itself: what its readers need is needed of the map below it.
                    var needed = roles.IsView(i) ? lows[i][step] : network.Map(i).FirstNeeded(cuts[i][step]);
                    lows[input][step] = Math.Min(lows[input][step], needed);
                }
            }
        }

        return lows;
    }
}
