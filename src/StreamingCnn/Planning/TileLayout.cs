using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// All that one tile does, as integers: what it computes of each map, what each map's window must hold, and how often it is read.
/// </summary>
internal sealed class TileLayout
{
    private readonly Patch?[] patches;
    private readonly Region[] windows;
    private readonly Region[] laidOut;
    private readonly int[] uses;

    public TileLayout(GridPlan grid, int row, int column)
    {
        Row = row;
        Column = column;
        var nodes = grid.Graph.Nodes;
        patches = new Patch?[nodes.Count];
        windows = new Region[nodes.Count];
        uses = new int[nodes.Count];
        for (var i = nodes.Count - 1; i >= grid.Graph.FirstLayer; i--)
        {
            if (grid.Roles.IsView(i))
            {
                // Its readers come later in topological order, so it is known by now whether there are any.
                if (uses[i] > 0)
                    uses[nodes[i].Inputs[0]]++;
                continue;
            }

            if (grid.Rows.Computed(i, row).IsEmpty || grid.Columns.Computed(i, column).IsEmpty)
                continue;
            var patch = new Patch(grid.Rows.Patch(i, row), grid.Columns.Patch(i, column));
            patches[i] = patch;
            // A rectangle that reads nothing but padding needs no window, and there may be none at that moment.
            if (patch.Input.IsEmpty)
                continue;
            foreach (var input in nodes[i].Inputs)
            {
                uses[input]++;
                var root = grid.Roles.Root(input);
                windows[root] = windows[root].Hull(patch.Input);
            }
        }

        foreach (var node in nodes)
            windows[node.Index] = windows[grid.Roles.Root(node.Index)];
        laidOut = [.. windows];
        foreach (var node in grid.Graph.Layers)
        {
            if (patches[node.Index] is { Input.IsEmpty: false } patch
                && node.Layer!.ZeroPadded(patch) is { } padded
                && Below(node.Inputs[0]) is { } root)
                laidOut[root] = laidOut[root].Hull(padded);
        }

        // The map whose memory a window's is, all layers in between having overwritten it; null where there is none.
        int? Below(int map)
        {
            for (; grid.Roles.IsView(map); map = nodes[map].Inputs[0])
            {
                if (nodes[map].Layer is not Graph.Layers.IOverwritingLayer || uses[nodes[map].Inputs[0]] > 1)
                    return null;
            }

            return nodes[map].IsSource ? null : map;
        }
    }

    public int Row { get; }

    public int Column { get; }

    /// <summary>Whether the tile computes anything.</summary>
    public bool IsEmpty => patches.All(patch => patch is null);

    /// <summary>What the tile computes of a map, or null for nothing. Views have none.</summary>
    public Patch? Patch(int node) => patches[node];

    /// <summary>The rectangle of a map, or of the map below a view, that the tile's layers read.</summary>
    public Region Window(int node) => windows[node];

    /// <summary>
    /// The rectangle of a map that lies in one piece of memory: the window, and with it the zeros around the map that layers pad it with,
    /// so that none of them has to copy it.
    /// </summary>
    public Region LaidOut(int node) => laidOut[node];

    /// <summary>How many operands of this tile's layers and views read the map's window.</summary>
    public int Uses(int node) => uses[node];
}
