using StreamingCnn.Geometry;
using StreamingCnn.Graph;

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
    private readonly GridPlan grid;

    // Of each tile a rectangle for each map, relative to the tile's cut of it, the same object for tiles that are alike; null where nothing
    // is asked for.
    private readonly Region[]?[,] asked;

    private Demand(GridPlan grid, Region[]?[,] asked) => (this.grid, this.asked) = (grid, asked);

    /// <summary>Follows what is wanted of the outputs through a grid, from the last tile to the first.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="wanted">What is wanted.</param>
    /// <returns>What is asked for; null where that is all.</returns>
    public static Demand? Of(GridPlan grid, WantedOutputs wanted)
    {
        var (order, outputs) = (grid.Order(), grid.Graph.Outputs);
        var parts = new Region[order.Count][];
        var isAll = true;
        // Masks are read from the front, as files like to be.
        foreach (var (index, tile) in order.Index())
        {
            parts[index] = new Region[outputs.Count];
            foreach (var (output, node) in outputs.Index())
            {
                var owned = grid.Owned(node, tile.Row, tile.Column);
                parts[index][output] = owned.IsEmpty ? default : wanted(output, owned);
                isAll &= owned.IsEmpty || parts[index][output] == owned;
            }
        }

        if (isAll)
            return null;
        var asked = new Region[]?[grid.Rows.Steps, grid.Columns.Steps];
        var alike = new Dictionary<Alike, Region[]>();
        for (var index = order.Count - 1; index >= 0; index--)
        {
            var tile = order[index];
            ref var regions = ref asked[tile.Row, tile.Column];
            foreach (var (part, node) in parts[index].Zip(outputs).Where(part => !part.First.IsEmpty))
            {
                regions ??= new Region[grid.Graph.Nodes.Count];
                regions[node] = regions[node].Hull(part);
            }

            if (regions is null)
                continue;
            Follow(grid, tile, regions, asked);
            for (var node = 0; node < regions.Length; node++)
                regions[node] = regions[node].IsEmpty ? default : grid.Origin(node, tile.Row, tile.Column).Relative(regions[node]);
            if (!alike.TryAdd(new(regions), regions))
                regions = alike[new(regions)];
        }

        return new(grid, asked);
    }

    /// <summary>
    /// What is asked for in a tile, a rectangle for each map relative to the tile's cut of it: the same object for tiles that are alike,
    /// null for nothing.
    /// </summary>
    public Region[]? Of((int Row, int Column) tile) => asked[tile.Row, tile.Column];

    /// <summary>What is asked for of a map in a tile.</summary>
    public Region Of(int node, int row, int column) =>
        asked[row, column] is { } regions && regions[node] is { IsEmpty: false } part
            ? grid.Origin(node, row, column).Absolute(part)
            : default;

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

            if (regions[i].IsEmpty)
                continue;
            var read = grid.Patch(i, regions[i]).Input;
            foreach (var input in nodes[i].Inputs)
            {
                ref var below = ref windows[grid.Roles.Root(input)];
                below = below.Hull(read);
            }
        }
    }

    /// <summary>Compares rectangles of all maps.</summary>
    private readonly struct Alike(Region[] regions) : IEquatable<Alike>
    {
        private readonly Region[] regions = regions;

        public bool Equals(Alike other) => regions.AsSpan().SequenceEqual(other.regions);

        public override bool Equals(object? other) => other is Alike alike && Equals(alike);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (var region in regions)
                hash.Add(region);
            return hash.ToHashCode();
        }
    }
}
