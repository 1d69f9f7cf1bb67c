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

    /// <summary>Bytes that a tile's tape holds when its backward pass begins.</summary>
    public static long Tape(GridPlan plan, TileLayout tile, long batch, int elementSize) => plan.Graph.Nodes.Skip(1)
        .Where(node => tile.Uses(node.Index) > 0 && !IsOverwritten(plan, tile, node))
        .Sum(node => Window(plan, tile, node)) * batch * elementSize;

    /// <summary>Bytes of a tile's backward pass: its tape, and the largest layer's output, gradient and workspace on top.</summary>
    public static long Tile(GridPlan plan, TileLayout tile, long batch, int elementSize)
    {
        var largest = plan.Graph.Nodes.Skip(1).Max(node => Own(plan, tile, node) + Window(plan, tile, node));
        return Tape(plan, tile, batch, elementSize) + 2 * largest * batch * elementSize;
    }

    /// <summary>The largest tile's bytes in its backward pass.</summary>
    public static long LargestTile(GridPlan plan, long batch, int elementSize) =>
        Representatives(plan).Max(tile => Tile(plan, tile, batch, elementSize));

    /// <summary>The largest tile's tape.</summary>
    public static long LargestTape(GridPlan plan, long batch, int elementSize) =>
        Representatives(plan).Max(tile => Tape(plan, tile, batch, elementSize));

    /// <summary>Interior tiles are alike, so those in the middle and at the ends stand for all.</summary>
    private static IEnumerable<TileLayout> Representatives(GridPlan plan)
    {
        return Steps(plan.Rows.Steps).SelectMany(_ => Steps(plan.Columns.Steps), plan.Tile);

        static IEnumerable<int> Steps(int count) => new[] { 0, 1, count / 2, count - 2, count - 1 }.Where(s => s >= 0 && s < count).Distinct();
    }

    private static long Own(GridPlan plan, TileLayout tile, GraphNode node) => plan.Roles.IsView(node.Index)
        ? 0
        : plan.Computed(node.Index, tile.Row, tile.Column).Area * node.Channels;

    private static long Window(GridPlan plan, TileLayout tile, GraphNode node) => tile.Uses(node.Index) > 0
        ? tile.Window(node.Index).Area * node.Channels
        : Own(plan, tile, node);

    private static bool IsOverwritten(GridPlan plan, TileLayout tile, GraphNode node) =>
        tile.Uses(node.Index) == 1
        && plan.Graph.Consumers[node.Index].Any(c => plan.Roles.IsView(c) && plan.Graph.Nodes[c].Layer is Graph.Layers.IOverwritingLayer && tile.Uses(c) > 0);
}
