using System.Globalization;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>Chooses the tile from a memory budget: the largest that fits, since larger tiles cost less time.</summary>
internal static class Planner
{
    private const int Smallest = 32;

    // Tiles beyond the border cost time: each runs all late layers on a few positions. They must spare some memory to be worth it.
    private const double WorthTilesBeyondBorder = 0.75;

    /// <summary>Plans an image of the given size.</summary>
    /// <exception cref="InsufficientMemoryException">No tile fits into the budget; the message names the smallest budget that one would fit into.</exception>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to an image of this size.</exception>
    public static (GridPlan Grid, TilePlan Plan) Choose(NetworkGraph graph, StreamingOptions options, long batch, long height, long width, int elementSize, long parameterBytes)
    {
        if (options.Tile is { } tile)
            return Make(graph, options.Mode, batch, height, width, tile, elementSize, parameterBytes);

        var budget = options.MemoryBudget ?? FreeMemory() / 4 * 3;
        (GridPlan Grid, TilePlan Plan)? best = null;
        long least = long.MaxValue;
        foreach (var side in Sides(Math.Max(height, width)))
        {
            var candidate = Make(graph, options.Mode, batch, height, width, (Math.Min(side, height), Math.Min(side, width)), elementSize, parameterBytes);
            least = Math.Min(least, candidate.Plan.StepBytes);
            if (candidate.Plan.StepBytes > budget)
                continue;
            best = candidate;
            break;
        }

        return best ?? throw new InsufficientMemoryException(string.Create(
            CultureInfo.InvariantCulture,
            $"No tile fits into the memory budget of {budget / 1048576} MiB for an image of {height} x {width} pixels; the smallest budget that one fits into is {least / 1048576 + 1} MiB."));
    }

    private static (GridPlan Grid, TilePlan Plan) Make(
        NetworkGraph graph, StreamingMode mode, long batch, long height, long width, (long Height, long Width) tile, int elementSize, long parameterBytes)
    {
        var grid = mode == StreamingMode.Overlap
            ? GridPlan.Overlap(graph, height, width, tile)
            : ExactlyOnce(graph, batch, height, width, tile, elementSize);
        return (grid, new TilePlan
        {
            Image = (height, width),
            Tile = (Math.Min(tile.Height, height), Math.Min(tile.Width, width)),
            Grid = (grid.Rows.Steps, grid.Columns.Steps),
            Outputs = [.. graph.Outputs.Select(grid.Size)],
            Mode = mode,
            ParameterBytes = parameterBytes,
            CarryBytes = MemoryModel.Carry(grid, batch, elementSize),
            TileBytes = MemoryModel.LargestTile(grid, batch, elementSize),
            WholeBytes = MemoryModel.Whole(grid, batch, elementSize),
            ComputedOnceRatio = ComputedOnceRatio(grid),
        });
    }

    private static GridPlan ExactlyOnce(NetworkGraph graph, long batch, long height, long width, (long Height, long Width) tile, int elementSize)
    {
        var within = GridPlan.ExactlyOnce(graph, height, width, tile, beyondBorder: false);
        var beyond = GridPlan.ExactlyOnce(graph, height, width, tile, beyondBorder: true);
        return Bytes(beyond) < WorthTilesBeyondBorder * Bytes(within) ? beyond : within;

        long Bytes(GridPlan plan) => MemoryModel.Carry(plan, batch, elementSize) + MemoryModel.LargestTile(plan, batch, elementSize);
    }

    /// <summary>Tile sides to try, largest first: the whole image, then multiples of 32 that shrink by a fifth.</summary>
    private static IEnumerable<long> Sides(long longest)
    {
        yield return longest;
        for (var side = longest * 4 / 5 / Smallest * Smallest; side >= Smallest; side = Math.Min(side - Smallest, side * 4 / 5 / Smallest * Smallest))
            yield return side;
    }

    /// <summary>Rows and columns separate, so the sum over tiles of an area is a product of sums.</summary>
    private static double ComputedOnceRatio(GridPlan grid)
    {
        double computed = 0, all = 0;
        foreach (var node in grid.Graph.Nodes.Skip(1).Where(node => !grid.Roles.IsView(node.Index)))
        {
            var rows = Enumerable.Range(0, grid.Rows.Steps).Sum(step => grid.Rows.Computed(node.Index, step).Length);
            var columns = Enumerable.Range(0, grid.Columns.Steps).Sum(step => grid.Columns.Computed(node.Index, step).Length);
            computed += (double)rows * columns * node.Channels;
            all += (double)grid.Size(node.Index).Height * grid.Size(node.Index).Width * node.Channels;
        }

        return all == 0 ? 1 : computed / all;
    }

    private static long FreeMemory()
    {
        var info = GC.GetGCMemoryInfo();
        return Math.Max(info.TotalAvailableMemoryBytes - Environment.WorkingSet, info.TotalAvailableMemoryBytes / 8);
    }
}
