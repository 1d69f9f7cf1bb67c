using StreamingCnn.Graph;
using StreamingCnn.Planning.Programs;
using StreamingCnn.Planning.Stages;

namespace StreamingCnn.Planning;

/// <summary>
/// Remembers what was planned for the images of one module, so that a training loop does not plan anew for every image of a size. What is
/// remembered are integers alone: the network that they are laid over is the one that is there now.
/// </summary>
/// <param name="defaultBudget">
/// The budget that is meant where none is named, of the device that computes now; null for that of a processor.
/// </param>
/// <param name="place">The device that computes now; null for the processor.</param>
internal sealed class PlanMemory(Func<long>? defaultBudget = null, Func<string>? place = null)
{
    // Data sets with images of many sizes: more than this are not worth remembering.
    private const int Most = 256;

    // Layouts, unlike decisions, grow with the image.
    private const int MostLayouts = 8;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Decision> decisions = [];
    private readonly List<(string Key, StepPlan Plan)> layouts = [];
    private readonly List<(string Key, StagedPlan Plan)> staged = [];
    private readonly Dictionary<string, long> budgets = [];

    /// <summary>How often something was planned, rather than remembered.</summary>
    public int Planned { get; private set; }

    /// <summary>How often tiles were laid out, rather than remembered.</summary>
    public int LaidOut { get; private set; }

    /// <summary>What was asked for, with the budget that is meant where neither one nor a tile was named.</summary>
    /// <remarks>What is free changes from moment to moment; a training run shall treat all images of a size alike.</remarks>
    public StreamingOptions WithBudget(StreamingOptions options) =>
        options.MemoryBudget is null && options.Tile is null ? options with { MemoryBudget = DefaultBudget } : options;

    /// <summary>The budget that is meant where none is named.</summary>
    public long DefaultBudget
    {
        get
        {
            var here = place?.Invoke() ?? "";
            lock (gate)
            {
                // Remembered, but for a module that has been moved since.
                if (!budgets.TryGetValue(here, out var budget))
                    budgets[here] = budget = defaultBudget?.Invoke() ?? StreamingOptions.DefaultMemoryBudget;
                return budget;
            }
        }
    }

    /// <summary>Says which budget is meant from now on where none is named, on the device that computes now.</summary>
    public void SetDefaultBudget(long budget)
    {
        lock (gate)
            budgets[place?.Invoke() ?? ""] = budget;
    }

    /// <summary>Plans the stages of a network, or takes what was planned for their like.</summary>
    /// <param name="stages">The stages.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="costs">What steps cost.</param>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget; the message names one that would do.</exception>
    public StagedPlan Choose(SizedStages stages, StreamingOptions options, StageCosts costs)
    {
        options = WithBudget(options);
        if (options.MayWait is { } mayWait)
            stages = stages.With(stages.Network.Network.Maps.Select(map => map.Index).Where(mayWait).ToHashSet());
        var keys = stages.Stages.Where(stage => stage.Graph is not null).Select(stage =>
        {
            var (rows, columns) = AxisNetwork.Of(stage.Graph!, stages.SourcesOf(stage));
            return new PlanKey(options, costs.Of(stage.Graph!, stages.WantedOf(stage)), rows, columns);
        }).ToArray();
        var text = string.Join('|', keys.Select(key => key.Text));
        lock (gate)
        {
            if (staged.Find(known => known.Key == text).Plan is { } known)
                return known.Over(stages);
        }

        var plan = StagedChoice.Of(stages, options, costs, this);
        if (!keys.All(key => key.IsWhole))
            return plan;
        lock (gate)
        {
            staged.Insert(0, (text, plan));
            if (staged.Count > MostLayouts)
                staged.RemoveAt(MostLayouts);
        }

        return plan;
    }

    /// <summary>Plans sources of the given sizes, or takes what was planned for their like.</summary>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget; the message names the smallest budget that would
    /// do.</exception>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to sources of these sizes.</exception>
    public StepPlan Choose(
        NetworkGraph graph, StreamingOptions options, TrunkCost trunk, params IReadOnlyList<(long Height, long Width)> sources)
    {
        options = WithBudget(options);
        var (rows, columns) = AxisNetwork.Of(graph, sources);
        var key = new PlanKey(options, trunk, rows, columns);
        Decision? decision;
        lock (gate)
        {
            if (layouts.Find(layout => layout.Key == key.Text).Plan is { } known)
                return known.Over(graph);
            decision = decisions.GetValueOrDefault(key.Text);
        }

        var plan = decision?.Over(rows, columns, trunk.Differentiable, options.Process)
            ?? Planner.Choose(graph, options, trunk, sources);
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
        KeptLayers Kept,
        long HeapBytes,
        StripedStep? Shared)
    {
        public Decision(StreamingMode mode, StepPlan plan)
            : this(
                mode,
                plan.Tile,
                plan.Grid.Late.Levels,
                plan.Grid.BeyondBorder,
                plan.Kept,
                plan.HeapBytes,
                plan.Shared)
        {
        }

        public StepPlan Over(AxisNetwork rows, AxisNetwork columns, DifferentiablePart differentiable, int rank)
        {
            var grid = Mode == StreamingMode.Overlap
                ? GridPlan.Overlap(rows, columns, Tile)
                : GridPlan.ExactlyOnce(rows, columns, Tile, BeyondBorder, Late);
            return new(Shared is null ? grid : grid.Within(Shared.Stripes.Of(rank)), new TilePrograms(grid, differentiable), Kept, Tile)
            {
                HeapBytes = HeapBytes,
                Shared = Shared,
            };
        }
    }
}
