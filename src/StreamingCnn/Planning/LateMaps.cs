using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// Maps far down the network advance only with every few tiles. They have many channels and few positions, so that a small tile's share of
/// them is a few positions for which all of a layer's weights must be read and all of their gradients be written; early maps hold the
/// memory and keep small tiles. There may be several levels: the further down maps are, the longer they may wait.
/// </summary>
/// <remarks>
/// Any monotone cuts below the bound are exact. The maps at the boundary of a level are carried whole, since what reads them comes later.
/// The boundary lies behind strided layers, where maps are small.
/// </remarks>
internal sealed class LateMaps
{
    private readonly int[] level;
    private readonly long side;

    /// <param name="rows">The network along rows.</param>
    /// <param name="columns">The network along columns.</param>
    /// <param name="roles">Which maps are views.</param>
    /// <param name="levels">
    /// Maps at a level's stride and above belong to it, but for the strided layers that make them, and wait for about so many tiles.
    /// Strides and periods rise from level to level.
    /// </param>
    /// <param name="side">
    /// A tile's shorter side, which periods are multiples of: late maps advance alike along both axes, and do not wait where tiles are as
    /// long as a period.
    /// </param>
    public LateMaps(AxisNetwork rows, AxisNetwork columns, MapRoles roles, IReadOnlyList<(int Stride, int Period)> levels, long side)
    {
        this.side = side;
        Levels = Magnifies(rows) || Magnifies(columns) ? [] : levels;
        level = new int[rows.Graph.Nodes.Count];
        foreach (var node in rows.Graph.Layers)
        {
            level[node.Index] = roles.IsView(node.Index)
                ? level[roles.Root(node.Index)]
                : Levels.Count(
                    late => node.Inputs.All(input => IsFarDown(rows, input, late.Stride) && IsFarDown(columns, input, late.Stride)));
        }
    }

    /// <summary>From which strides on maps wait, and for about how many tiles.</summary>
    public IReadOnlyList<(int Stride, int Period)> Levels { get; }

    /// <summary>How many of the levels a map has reached; 0 for maps that advance with every tile.</summary>
    public int Level(int node) => level[node];

    /// <summary>
    /// Along one axis, for each level, from the maps that do not wait on, and for each tile whether the level's maps advance with it. Their
    /// shares are to be alike, but the first one lacks half a receptive field of the image, which is added to the last one: so the first
    /// waits for longer, and the last for less. A level advances when the one before it does.
    /// </summary>
    /// <param name="network">The network along the axis.</param>
    /// <param name="tile">Positions from one cut to the next of the source that sets the pace.</param>
    /// <param name="steps">Number of tiles.</param>
    public bool[][] Advances(AxisNetwork network, long tile, int steps)
    {
        var advances = new bool[Levels.Count + 1][];
        advances[0] = [.. Enumerable.Repeat(true, steps)];
        for (var late = 1; late <= Levels.Count; late++)
            advances[late] = Advances(network, tile, late, advances[late - 1]);
        return advances;
    }

    private bool[] Advances(AxisNetwork network, long tile, int late, bool[] before)
    {
        var advances = new bool[before.Length];
        advances[^1] = true;
        var maps = Enumerable.Range(0, level.Length).Where(node => level[node] == late).ToArray();
        if (maps.Length == 0)
            return advances;
        var (length, period) = (network.PaceLength, Levels[late - 1].Period * side);
        if (period <= tile)
            return before;
        var lag = maps.Average(node => network.Reach([node]) - length);
        var shares = Shares(length, period);
        for (var share = 1; share < shares; share++)
        {
            var wanted = (lag + ((double)share * length / shares)) / tile;
            var step = Enumerable.Range(1, before.Length).Where(step => before[step - 1]).MinBy(step => Math.Abs(step - wanted));
            advances[step - 1] = true;
        }

        return advances;
    }

    /// <summary>In how many steps of about the given pixels late maps go along a length of the image.</summary>
    public static long Shares(long length, long step) => Math.Max(1, (long)Math.Round((double)length / step));

    /// <summary>Strides of the network's maps, rounded to powers of two, from 4 on.</summary>
    public static IEnumerable<int> Strides(AxisNetwork network)
    {
        var smallest = Enumerable.Range(0, network.Graph.Nodes.Count).Min(network.Length);
        for (var stride = 4; stride <= network.PaceLength / Math.Max(1, smallest) + 1; stride *= 2)
            yield return stride;
    }

    /// <summary>A map three quarters of whose stride reach the wanted one, since borders make lengths a little larger or smaller.</summary>
    private static bool IsFarDown(AxisNetwork network, int node, int stride) => 3 * network.Length(node) * stride <= 4 * network.PaceLength;

    /// <summary>
    /// A late map that is enlarged again would come in one burst; such networks keep every map in step. That what is enlarged runs behind
    /// instead was tried: it costs more memory than it saves time, since what is handed across is carried for as long.
    /// </summary>
    private static bool Magnifies(AxisNetwork network) =>
        network.Graph.Layers.Any(node =>
            node.Inputs.Any(input => network.Length(node.Index) > network.Length(input) + network.PaceLength / 16 + 8));
}
