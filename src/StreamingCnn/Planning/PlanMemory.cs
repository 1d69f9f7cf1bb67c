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

    /// <summary>Plans sources of the given sizes, or lays out what was decided for their like.</summary>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget; the message names the smallest budget that would do.</exception>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to sources of these sizes.</exception>
    public StepPlan Choose(NetworkGraph graph, StreamingOptions options, TrunkCost trunk, params IReadOnlyList<(long Height, long Width)> sources)
    {
        // What is free changes from moment to moment; a training run shall treat all images of a size alike.
        if (options.MemoryBudget is null && options.Tile is null)
        {
            lock (decisions)
                options = options with { MemoryBudget = budget ??= StreamingOptions.DefaultMemoryBudget };
        }

        var key = Key(graph, trunk, sources);
        lock (decisions)
        {
            if (decisions.TryGetValue(key, out var known))
                return known.Over(graph, sources);
        }

        var plan = Planner.Choose(graph, options, trunk, sources);
        lock (decisions)
        {
            if (decisions.Count >= Most)
                decisions.Clear();
            decisions[key] = new Decision(options.Mode, plan);
        }

        return plan;
    }

    /// <summary>All that a decision rests on, as text.</summary>
    private static string Key(NetworkGraph graph, TrunkCost trunk, IReadOnlyList<(long Height, long Width)> sources)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{string.Join(' ', sources)} {trunk.ValueBytes} {trunk.CarryIsElsewhere}");
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

        public StepPlan Over(NetworkGraph graph, IReadOnlyList<(long Height, long Width)> sources)
        {
            var (rows, columns) = AxisNetwork.Of(graph, sources);
            var grid = Mode == StreamingMode.Overlap ? GridPlan.Overlap(rows, columns, Tile) : GridPlan.ExactlyOnce(rows, columns, Tile, BeyondBorder, Late);
            return new(grid, Kept, Tile);
        }
    }
}
