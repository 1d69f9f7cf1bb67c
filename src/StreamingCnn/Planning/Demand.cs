using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>Of a rectangle of an output the smallest rectangle that holds all of its positions that matter; empty for none.</summary>
/// <param name="output">Which of the network's outputs.</param>
/// <param name="owned">What a tile answers for of it.</param>
internal delegate Region WantedOutputs(int output, Region owned);

/// <summary>
/// What is asked for of every map in every tile, where only some positions of the outputs matter: what these positions read, what that
/// reads, and so on down to the sources. The rest is neither read, computed, carried nor differentiated.
/// </summary>
/// <remarks>
/// It is one rectangle of each map and tile, the hull of what is read. A boolean for each would be as exact, and useless: a tile whose
/// right neighbour asks for its last columns would compute all of its own, and ask its neighbours for theirs. All that a window holds is
/// asked for, also what only lies between its readers, so that no window holds values that nobody has computed.
/// </remarks>
internal sealed class Demand
{
    // Stands for a tile of which everything is asked for that its kind computes.
    private static readonly Region[] Everything = [];

    private readonly GridPlan grid;

    // Of each tile a rectangle for each map; null where nothing is asked for.
    private readonly Region[]?[,] asked;

    private Demand(GridPlan grid, Region[]?[,] asked)
    {
        (this.grid, this.asked) = (grid, asked);
        foreach (var regions in asked)
            Tiles += regions is null ? 0 : 1;
    }

    /// <summary>Number of tiles that do anything.</summary>
    public int Tiles { get; }

    /// <summary>Follows what is wanted of the outputs through a grid, from the last tile to the first.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="programs">Its kinds of tiles.</param>
    /// <param name="wanted">What is wanted.</param>
    /// <returns>What is asked for; null where that is all.</returns>
    public static Demand? Of(GridPlan grid, TilePrograms programs, WantedOutputs wanted)
    {
        var asked = new Region[]?[grid.Rows.Steps, grid.Columns.Steps];
        // Masks are read from the front, as files like to be.
        foreach (var tile in grid.Order())
            asked[tile.Row, tile.Column] = Wanted(grid, tile, wanted);
        var isAll = true;
        foreach (var tile in grid.Order().Reverse())
        {
            ref var regions = ref asked[tile.Row, tile.Column];
            if (regions is not null)
                Follow(grid, tile, regions, asked);
            if (regions is not null && IsEverything(programs.Example(programs.KindOf(tile)), grid, tile, regions))
                regions = Everything;
            isAll &= ReferenceEquals(regions, Everything);
        }

        return isAll ? null : new(grid, asked);
    }

    /// <summary>Whether a tile has nothing to do.</summary>
    public bool IsNothing((int Row, int Column) tile) => asked[tile.Row, tile.Column] is null;

    /// <summary>Whether a tile does all that its kind does.</summary>
    public bool IsAll((int Row, int Column) tile) => ReferenceEquals(asked[tile.Row, tile.Column], Everything);

    /// <summary>What is asked for of a map in a tile.</summary>
    public Region Of(int node, int row, int column) => asked[row, column] is not { } regions ? default
        : ReferenceEquals(regions, Everything) ? grid.Computed(node, row, column)
        : regions[node];

    private static Region[]? Wanted(GridPlan grid, (int Row, int Column) tile, WantedOutputs wanted)
    {
        Region[]? regions = null;
        foreach (var (output, node) in grid.Graph.Outputs.Index())
        {
            if (grid.Owned(node, tile.Row, tile.Column) is not { IsEmpty: false } owned || wanted(output, owned) is not { IsEmpty: false } part)
                continue;
            regions ??= new Region[grid.Graph.Nodes.Count];
            regions[node] = regions[node].Hull(part);
        }

        return regions;
    }

    /// <summary>Follows what is asked for of a tile's maps down to its sources, and to the tiles before it.</summary>
    private static void Follow(GridPlan grid, (int Row, int Column) tile, Region[] regions, Region[]?[,] asked)
    {
        var nodes = grid.Graph.Nodes;
        var windows = new Region[nodes.Count];
        for (var i = nodes.Count - 1; i >= grid.Graph.FirstLayer; i--)
        {
            if (grid.Roles.IsView(i))
                continue;
            var (all, window) = (grid.Computed(i, tile.Row, tile.Column), windows[i]);
            regions[i] = regions[i].Hull(window.Intersect(all));
            foreach (var piece in all.Contains(window) ? [] : grid.Carry(i)!.Read(tile.Row, tile.Column, window))
            {
                var home = asked[piece.Seam.Row, piece.Seam.Column] ??= new Region[nodes.Count];
                home[i] = home[i].Hull(piece.Region);
            }

            if (regions[i].IsEmpty || PatchOf(grid, i, regions[i]).Input is not { IsEmpty: false } read)
                continue;
            foreach (var input in nodes[i].Inputs)
            {
                ref var below = ref windows[grid.Roles.Root(input)];
                below = below.Hull(read);
            }
        }
    }

    private static bool IsEverything(TileLayout kind, GridPlan grid, (int Row, int Column) tile, Region[] regions)
    {
        for (var i = grid.Graph.FirstLayer; i < regions.Length; i++)
        {
            var all = kind.IsUseful(i) && !grid.Roles.IsView(i) ? grid.Computed(i, tile.Row, tile.Column) : default;
            if (regions[i] != all && !(regions[i].IsEmpty && all.IsEmpty))
                return false;
        }

        return true;
    }

    private static Patch PatchOf(GridPlan grid, int node, Region region) => new(
        AxisPatch.Of(grid.Rows.Network.Map(node), region.Rows), AxisPatch.Of(grid.Columns.Network.Map(node), region.Columns));
}
