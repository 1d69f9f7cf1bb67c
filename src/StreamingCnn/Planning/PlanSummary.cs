using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>What a plan does and costs, for people.</summary>
internal static class PlanSummary
{
    /// <summary>Sums up a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="mode">How it goes through the sources.</param>
    /// <param name="trunk">The network.</param>
    /// <param name="conventional">The network as it is written, which conventional backpropagation runs, and what it costs.</param>
    /// <param name="rates">Those of the machine that the times are for, in the formats of the network's and the conventional step's maps;
    /// asked for when somebody asks for times.</param>
    public static TilePlan Of(
        StepPlan plan, StreamingMode mode, TrunkCost trunk, (NetworkGraph Graph, TrunkCost Cost) conventional, Func<ComputeRates[]> rates)
    {
        var (grid, kept) = plan.Widest;
        var model = new StepModel(grid, trunk);
        var image = grid.Size(grid.Rows.Network.Pace);
        var wholeGrid = GridPlan.ExactlyOnce(
            conventional.Graph, [.. grid.Graph.Sources.Select(source => grid.Size(source.Index))], image, beyondBorder: false);
        var whole = new StepModel(wholeGrid, conventional.Cost, mapsAnew: true);
        var bytes = model.RunBytes(kept);
        var carried = model.CarryBytes(kept);
        // The largest tile's work, what is kept and the carry are not all at their most at the same time; what is said of them is to add
        // up.
        var besides = bytes - trunk.ParameterBytes - model.OutputBytes - carried;
        var tile = Math.Min(model.TileBytes(kept), besides);
        var messages = StripeMessages.Of(plan, trunk.ValueBytes);
        return new TilePlan
        {
            Image = image,
            Tile = (Math.Min(plan.Tile.Height, image.Height), Math.Min(plan.Tile.Width, image.Width)),
            Grid = (grid.Rows.Steps, grid.Columns.Steps),
            LateMaps = LateMaps(grid),
            Outputs = [.. grid.Graph.Outputs.Select(grid.Size)],
            Mode = mode,
            Processes = plan.Shared?.Stripes.Count ?? 1,
            RowMessageBytes = messages.Row,
            MessageBytes = messages.Pass,
            ParameterBytes = trunk.ParameterBytes,
            OutputBytes = model.OutputBytes,
            CarryBytes = carried,
            CarryElsewhereBytes = model.CarryElsewhereBytes,
            TileBytes = tile + model.Bytes(kept) - bytes,
            KeptBytes = besides - tile,
            WholeBytes = whole.AllKeptBytes,
            Recomputed = model.Recompute(kept) / model.Forward,
            Times = Times,
            Explaining = () => PlanText.Of(plan, trunk),
            ComputedOnceRatio = Computed(grid) is { All: > 0 } values ? values.Computed / values.All : 1,
        };

        (double Step, double Whole) Times()
        {
            var measured = rates();
            var step = new StepModel(grid, trunk.At(measured[0]));
            var whole = new StepModel(wholeGrid, conventional.Cost.At(measured[^1]), mapsAnew: true);
            return (step.Seconds(kept) * plan.Time, whole.Forward + whole.Backward);
        }
    }

    /// <summary>From which strides on maps advance with every few tiles only, and in how many steps along rows and columns.</summary>
    public static IReadOnlyList<(int Stride, int Rows, int Columns)> LateMaps(GridPlan grid) =>
    [
        .. grid.Late.Levels.Select((late, level) =>
            (late.Stride, Advances(grid, grid.Rows, level + 1), Advances(grid, grid.Columns, level + 1))),
    ];

    /// <summary>With how many tiles along an axis maps of a level advance.</summary>
    private static int Advances(GridPlan grid, AxisLayout axis, int level) =>
        grid.Graph.Nodes.Where(node => grid.Late.Level(node.Index) == level)
            .Select(node => Enumerable.Range(0, axis.Steps).Count(step => !axis.Computed(node.Index, step).IsEmpty))
            .DefaultIfEmpty(axis.Steps)
            .Min();

    /// <summary>Values that the tiles compute in a forward pass, and those that the maps have.</summary>
    /// <remarks>Rows and columns are separate, so the sum over tiles of an area is a product of sums.</remarks>
    public static (double Computed, double All) Computed(GridPlan grid)
    {
        double computed = 0, all = 0;
        foreach (var node in grid.Graph.Layers.Where(node => !grid.Roles.IsView(node.Index)))
        {
            var rows = Enumerable.Range(0, grid.Rows.Steps).Sum(step => grid.Rows.Computed(node.Index, step).Length);
            var columns = Enumerable.Range(0, grid.Columns.Steps).Sum(step => grid.Columns.Computed(node.Index, step).Length);
            computed += (double)rows * columns * node.Channels;
            all += (double)grid.Size(node.Index).Height * grid.Size(node.Index).Width * node.Channels;
        }

        return (computed, all);
    }
}
