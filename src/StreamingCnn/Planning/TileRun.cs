using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// A run through a tile's layers from the image on: all of them, or again those before some layer, to make the records that were not kept.
/// Then what a layer
/// gives is computed only where a record or another layer needs it: the last convolution before what was kept is recorded, but not
/// computed.
/// </summary>
internal sealed class TileRun
{
    private readonly bool[] records;
    private readonly bool[] computes;
    private readonly int[] uses;

    private TileRun(GridPlan grid, TileLayout tile, DifferentiablePart differentiable, int recordFrom, int end, bool all)
    {
        Tile = tile;
        End = end;
        var nodes = grid.Graph.Nodes;
        records = new bool[nodes.Count];
        computes = new bool[nodes.Count];
        uses = new int[nodes.Count];
        for (var i = end - 1; i >= grid.Graph.FirstLayer; i--)
        {
            var isView = grid.Roles.IsView(i);
            if (isView ? tile.Uses(i) == 0 : tile.Patch(i) is null)
                continue;
            records[i] = i >= recordFrom && differentiable.Needs(i);
            computes[i] = all || uses[i] > 0 || (records[i] && !(tile.Patch(i) is { } patch && nodes[i].Layer!.MemoryOf(patch).FollowsFromInput));
            // A rectangle that reads nothing but padding needs no window.
            if ((computes[i] || records[i]) && (isView || !tile.Patch(i)!.Value.Input.IsEmpty))
            {
                foreach (var input in nodes[i].Inputs)
                    uses[input]++;
            }
        }
    }

    /// <summary>The tile.</summary>
    public TileLayout Tile { get; }

    /// <summary>One past the last layer.</summary>
    public int End { get; }

    /// <summary>All layers, of which those from a node on are recorded.</summary>
    public static TileRun Forward(GridPlan grid, TileLayout tile, DifferentiablePart differentiable, int recordFrom) =>
        new(grid, tile, differentiable, recordFrom, grid.Graph.Nodes.Count, all: true);

    /// <summary>The layers before a node again, to be recorded.</summary>
    public static TileRun Again(GridPlan grid, TileLayout tile, DifferentiablePart differentiable, int end) =>
        new(grid, tile, differentiable, recordFrom: grid.Graph.FirstLayer, end, all: false);

    /// <summary>Whether the layer is recorded.</summary>
    public bool Records(int node) => records[node];

    /// <summary>Whether the layer's output is computed.</summary>
    public bool Computes(int node) => computes[node];

    /// <summary>Whether the layer runs at all.</summary>
    public bool Runs(int node) => computes[node] || records[node];

    /// <summary>How many operands of this run's layers and views read the map's window.</summary>
    public int Uses(int node) => uses[node];
}
