using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// Maps far down the network advance only with every few tiles. They have many channels and few positions, so that a small tile's share of them is a few positions for
/// which all of a layer's weights must be read and all of their gradients be written; early maps hold the memory and keep small tiles.
/// </summary>
/// <remarks>
/// Any monotone cuts below the bound are exact. The maps at the boundary are carried whole, since what reads them comes later. The boundary lies behind strided
/// layers, where maps are small.
/// </remarks>
internal sealed class LateMaps
{
    private readonly bool[] isLate;
    private readonly int period;

    /// <param name="rows">The network along rows.</param>
    /// <param name="columns">The network along columns.</param>
    /// <param name="roles">Which maps are views.</param>
    /// <param name="stride">Maps at this stride and above are late, but for the strided layers that make them.</param>
    /// <param name="period">Tiles that late maps wait for, about.</param>
    public LateMaps(AxisNetwork rows, AxisNetwork columns, MapRoles roles, int stride, int period)
    {
        this.period = period;
        isLate = new bool[rows.Graph.Nodes.Count];
        if (period == 1 || Magnifies(rows) || Magnifies(columns))
            return;
        foreach (var node in rows.Graph.Nodes.Where(node => !node.IsImage))
        {
            isLate[node.Index] = roles.IsView(node.Index)
                ? isLate[roles.Root(node.Index)]
                : node.Inputs.All(input => IsFarDown(rows, input, stride) && IsFarDown(columns, input, stride));
        }
    }

    /// <summary>Whether the map waits for several tiles before it advances.</summary>
    public bool Contains(int node) => isLate[node];

    /// <summary>
    /// Along one axis, for each tile whether late maps advance with it. Their shares are to be alike, but the first one lacks half a receptive field of the image, which is added to the
    /// last one: so the first waits for longer, and the last for less.
    /// </summary>
    /// <param name="network">The network along the axis.</param>
    /// <param name="tile">Pixels from one cut of the image to the next.</param>
    /// <param name="steps">Number of tiles.</param>
    public bool[] Advances(AxisNetwork network, long tile, int steps)
    {
        var late = Enumerable.Range(0, isLate.Length).Where(node => isLate[node]).ToArray();
        var advances = new bool[steps];
        advances[^1] = true;
        if (late.Length == 0)
            return advances;
        var length = network.Length(0);
        var lag = late.Average(node => network.Reach([node]) - length);
        var shares = Shares(length, period * tile);
        for (var share = 1; share < shares; share++)
        {
            var step = (int)Math.Round((lag + ((double)share * length / shares)) / tile);
            if (step > 0 && step < steps)
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
        for (var stride = 4; stride <= network.Length(0) / Math.Max(1, smallest) + 1; stride *= 2)
            yield return stride;
    }

    /// <summary>A map three quarters of whose stride reach the wanted one, since borders make lengths a little larger or smaller.</summary>
    private static bool IsFarDown(AxisNetwork network, int node, int stride) => 3 * network.Length(node) * stride <= 4 * network.Length(0);

    /// <summary>A late map that is enlarged again would come in one burst; such networks keep every map in step.</summary>
    private static bool Magnifies(AxisNetwork network) =>
        network.Graph.Nodes.Any(node => !node.IsImage && node.Inputs.Any(input => network.Length(node.Index) > network.Length(input) + network.Length(0) / 16 + 8));
}
