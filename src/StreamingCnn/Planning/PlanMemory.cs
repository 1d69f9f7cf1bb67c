using StreamingCnn.Graph;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>
/// Remembers what was planned for the images of one module, so that a training loop does not plan anew for every image of a size. What is
/// remembered are integers alone: the network that they are
/// laid over is the one that is there now.
/// </summary>
internal sealed class PlanMemory
{
    // Data sets with images of many sizes: more than this are not worth remembering.
    private const int Most = 256;

    // Layouts, unlike decisions, grow with the image.
    private const int MostLayouts = 8;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Decision> decisions = [];
    private readonly List<(string Key, StepPlan Plan)> layouts = [];
    private long? budget;

    /// <summary>How often something was planned, rather than remembered.</summary>
    public int Planned { get; private set; }

    /// <summary>How often tiles were laid out, rather than remembered.</summary>
    public int LaidOut { get; private set; }

    /// <summary>Plans sources of the given sizes, or takes what was planned for their like.</summary>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget; the message names the smallest budget that would
    /// do.</exception>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to sources of these sizes.</exception>
    public StepPlan Choose(
        NetworkGraph graph, StreamingOptions options, TrunkCost trunk, params IReadOnlyList<(long Height, long Width)> sources)
    {
        // What is free changes from moment to moment; a training run shall treat all images of a size alike.
        if (options.MemoryBudget is null && options.Tile is null)
        {
            lock (gate)
                options = options with { MemoryBudget = budget ??= StreamingOptions.DefaultMemoryBudget };
        }

        var (rows, columns) = AxisNetwork.Of(graph, sources);
        var key = new PlanKey(options, trunk, rows, columns);
        Decision? decision;
        lock (gate)
        {
            if (layouts.Find(layout => layout.Key == key.Text).Plan is { } known)
                return known.Over(graph);
            decision = decisions.GetValueOrDefault(key.Text);
        }

        var plan = decision?.Over(rows, columns, trunk.Differentiable) ?? Planner.Choose(graph, options, trunk, sources);
        lock (gate)
        {
            LaidOut++;
            if (decision is null)
                Remember(key, new Decision(options.Mode, plan));
            if (key.IsWhole)
                layouts.Insert(0, (key.Text, plan));
            if (layouts.Count > MostLayouts)
                layouts.RemoveAt(MostLayouts);
        }

        return plan;
    }

    private void Remember(PlanKey key, Decision decision)
    {
        Planned++;
        if (decisions.Count >= Most)
            decisions.Clear();
        decisions[key.Text] = decision;
    }

    /// <summary>A plan without the network it was made for.</summary>
    private sealed record Decision(
        StreamingMode Mode,
        (long Height, long Width) Tile,
        IReadOnlyList<(int Stride, int Period)> Late,
        bool BeyondBorder,
        KeptLayers Kept)
    {
        public Decision(StreamingMode mode, StepPlan plan)
            : this(mode, plan.Tile, plan.Grid.Late.Levels, plan.Grid.BeyondBorder, plan.Kept)
        {
        }

        public StepPlan Over(AxisNetwork rows, AxisNetwork columns, DifferentiablePart differentiable)
        {
            var grid = Mode == StreamingMode.Overlap
                ? GridPlan.Overlap(rows, columns, Tile)
                : GridPlan.ExactlyOnce(rows, columns, Tile, BeyondBorder, Late);
            return new(grid, new TilePrograms(grid, differentiable), Kept, Tile);
        }
    }
}
