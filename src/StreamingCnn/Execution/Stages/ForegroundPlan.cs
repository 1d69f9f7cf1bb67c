using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// Chooses tiles where sources say which positions count. They are planned for a step over everything; smaller ones leave out more of the
/// rest, but take longer for what they do.
/// </summary>
/// <param name="plans">What was planned so far.</param>
internal sealed class ForegroundPlan(PlanMemory plans)
{
    // By what the planned tile's sides are divided, and the shortest side that comes of it.
    private static readonly int[] Divisors = [2, 4, 8];
    private const long LeastSide = 128;

    private readonly Lock gate = new();
    private readonly Dictionary<string, double> seconds = [];

    /// <summary>Plans stages.</summary>
    /// <param name="stages">The stages.</param>
    /// <param name="options">What is asked for; a tile that is named is taken, and nothing read for it.</param>
    /// <param name="costs">What steps cost.</param>
    /// <param name="sources">The sources, of which those are read that say what counts.</param>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget; the message names one that would do.</exception>
    public StagedPlan Of(SizedStages stages, StreamingOptions options, StageCosts costs, SourceSet sources)
    {
        var planned = plans.Choose(stages, options, costs);
        if (options.Tile is not null)
            return planned;
        var best = (Plan: planned, Share: AskedShare.Of(planned, sources));
        if (best.Share >= 1)
            return planned;
        var (height, width) = TileOf(planned);
        var budgeted = plans.WithBudget(options);
        // Smaller tiles carry more between them, and may take what the planned one leaves of the budget.
        var most = budgeted.MemoryBudget is { } budget ? Math.Max(planned.Bytes, StepModel.Within(budget)) : planned.Bytes;
        foreach (var divisor in Divisors)
        {
            var tile = (Height: (int)(height / divisor), Width: (int)(width / divisor));
            if (Math.Min(tile.Height, tile.Width) < LeastSide)
                break;
            var smaller = plans.Choose(stages, budgeted with { Tile = tile }, costs);
            var share = AskedShare.Of(smaller, sources);
            if (smaller.Bytes > most || Seconds(smaller, costs) * share >= Seconds(best.Plan, costs) * best.Share)
                break;
            best = (smaller, share);
        }

        return best.Plan;
    }

    private static (long Height, long Width) TileOf(StagedPlan plan) => plan.Steps.First(step => step.Step is not null).Step!.Tile;

    /// <summary>Seconds of a step over everything, by the rates that plans are chosen with.</summary>
    private double Seconds(StagedPlan plan, StageCosts costs)
    {
        var key = $"{string.Join(' ', plan.Stages.Sources)}, tile {TileOf(plan)}, {costs.ValueBytes} bytes, {costs.Passes}";
        lock (gate)
        {
            if (!seconds.TryGetValue(key, out var known))
                seconds[key] = known = StagedTime.Of(plan, costs, new ComputeRates());
            return known;
        }
    }
}
