using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>Bytes of a step, from the plan's integers alone.</summary>
internal static class MemoryModel
{
    /// <summary>Bytes carried for the backward pass.</summary>
    public static long Carry(GridPlan plan, long batch, int elementSize) =>
        plan.Graph.Nodes.Sum(node => (plan.Carry(node.Index)?.Positions ?? 0) * node.Channels) * batch * elementSize;

    /// <summary>Bytes of all maps that conventional backpropagation keeps: every layer's output.</summary>
    public static long Whole(GridPlan plan, long batch, int elementSize) =>
        plan.Graph.Nodes.Skip(1).Sum(node => plan.Size(node.Index).Height * plan.Size(node.Index).Width * node.Channels) * batch * elementSize;

    /// <summary>
    /// Bytes that a tile's tape holds when its backward pass begins, and the largest layer's output, gradient and workspace on top.
    /// </summary>
    public static long Tile(GridPlan plan, TileLayout tile, long batch, int elementSize)
    {
        long kept = 0, largest = 0;
        foreach (var node in plan.Graph.Nodes.Skip(1))
        {
            var own = plan.Roles.IsView(node.Index)
                ? 0
                : plan.Computed(node.Index, tile.Row, tile.Column).Area * node.Channels;
            var window = tile.Uses(node.Index) > 0 ? Math.Max(own, tile.Window(node.Index).Area * node.Channels) : own;
            if (tile.Uses(node.Index) > 0 && !IsOverwritten(plan, tile, node))
                kept += window;
            largest = Math.Max(largest, own + window);
        }

        return (kept + 2 * largest) * batch * elementSize;
    }

    /// <summary>The largest tile's bytes. Interior tiles are alike, so those around the middle and at the ends are looked at.</summary>
    public static long LargestTile(GridPlan plan, long batch, int elementSize)
    {
        return Steps(plan.Rows.Steps)
            .SelectMany(_ => Steps(plan.Columns.Steps), (row, column) => Tile(plan, plan.Tile(row, column), batch, elementSize))
            .Max();

        static IEnumerable<int> Steps(int count) => new[] { 0, 1, count / 2, count - 2, count - 1 }.Where(s => s >= 0 && s < count).Distinct();
    }

    private static bool IsOverwritten(GridPlan plan, TileLayout tile, GraphNode node) =>
        tile.Uses(node.Index) == 1
        && plan.Graph.Consumers[node.Index].Any(c => plan.Roles.IsView(c) && plan.Graph.Nodes[c].Layer is Graph.Layers.IOverwritingLayer && tile.Uses(c) > 0);
}
