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
internal static class LateMaps
{
    /// <summary>For each node, how many tiles its map waits for before it advances; 1 for all where no map is late.</summary>
    /// <param name="rows">The network along rows.</param>
    /// <param name="columns">The network along columns.</param>
    /// <param name="roles">Which maps are views.</param>
    /// <param name="stride">Maps at this stride and above are late, but for the strided layers that make them.</param>
    /// <param name="period">Tiles that late maps wait for.</param>
    public static int[] Periods(AxisNetwork rows, AxisNetwork columns, MapRoles roles, int stride, int period)
    {
        var nodes = rows.Graph.Nodes;
        var periods = new int[nodes.Count];
        Array.Fill(periods, 1);
        if (period == 1 || Magnifies(rows) || Magnifies(columns))
            return periods;
        foreach (var node in nodes.Where(node => !node.IsImage))
        {
            periods[node.Index] = roles.IsView(node.Index)
                ? periods[roles.Root(node.Index)]
                : node.Inputs.All(input => IsFarDown(rows, input, stride) && IsFarDown(columns, input, stride)) ? period : 1;
        }

        return periods;
    }

    /// <summary>Strides of the network's maps, rounded to powers of two, from 2 on.</summary>
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
