using System.Globalization;
using System.Text;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// Remembers what was decided for the images of one module, so that a training loop does not decide anew for every image of a size. The decision alone is kept:
/// the grid is laid out anew over the network as it is now.
/// </summary>
internal sealed class PlanMemory
{
    // Data sets with images of many sizes: more than this are not worth remembering.
    private const int Most = 256;

    private readonly Dictionary<string, Decision> decisions = [];
    private long? budget;

    /// <summary>Plans an image of the given size, or lays out what was decided for its like.</summary>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget; the message names the smallest budget that would do.</exception>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to an image of this size.</exception>
    public StepPlan Choose(NetworkGraph graph, StreamingOptions options, TrunkCost trunk, long height, long width)
    {
        // What is free changes from moment to moment; a training run shall treat all images of a size alike.
        if (options.MemoryBudget is null && options.Tile is null)
        {
            lock (decisions)
                options = options with { MemoryBudget = budget ??= StreamingOptions.DefaultMemoryBudget };
        }

        var key = Key(graph, trunk, height, width);
        lock (decisions)
        {
            if (decisions.TryGetValue(key, out var known))
                return known.Over(graph, height, width);
        }

        var plan = Planner.Choose(graph, options, trunk, height, width);
        lock (decisions)
        {
            if (decisions.Count >= Most)
                decisions.Clear();
            decisions[key] = new Decision(options.Mode, plan);
        }

        return plan;
    }

    /// <summary>All that a decision rests on, as text.</summary>
    private static string Key(NetworkGraph graph, TrunkCost trunk, long height, long width)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{height} {width} {trunk.ValueBytes} {trunk.CarryIsElsewhere}");
        foreach (var node in graph.Nodes)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $";{node.Layer?.GetType().Name} {node.Channels} {trunk.Work[node.Index]} {trunk.WeightBytes[node.Index]} {trunk.Differentiable.Needs(node.Index)}");
            foreach (var input in node.Inputs)
                text.Append(' ').Append(input);
        }

        return text.ToString();
    }

    /// <summary>A plan without the network it was made for.</summary>
    private sealed record Decision(StreamingMode Mode, (long Height, long Width) Tile, IReadOnlyList<(int Stride, int Period)> Late, bool BeyondBorder, KeptLayers Kept)
    {
        public Decision(StreamingMode mode, StepPlan plan)
            : this(mode, plan.Tile, plan.Grid.Late.Levels, plan.Grid.BeyondBorder, plan.Kept)
        {
        }

        public StepPlan Over(NetworkGraph graph, long height, long width)
        {
            var (rows, columns) = (new AxisNetwork(graph, Geometry.Axis.Rows, height), new AxisNetwork(graph, Geometry.Axis.Columns, width));
            var grid = Mode == StreamingMode.Overlap ? GridPlan.Overlap(rows, columns, Tile) : GridPlan.ExactlyOnce(rows, columns, Tile, BeyondBorder, Late);
            return new(grid, Kept, Tile);
        }
    }
}
