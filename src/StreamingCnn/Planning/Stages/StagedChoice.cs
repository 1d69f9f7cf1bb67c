namespace StreamingCnn.Planning.Stages;

/// <summary>
/// Chooses between ways to run a network's stages: with all maps that cross between them waiting, or some computed again.
/// </summary>
internal static class StagedChoice
{
    // The same on every machine, so that a budget means the same plan everywhere.
    private static readonly ComputeRates Rates = new();

    // Of what disks and processors do with each other too little is known to go by less.
    private const double Worth = 0.85;

    /// <summary>The fastest plan within a budget.</summary>
    /// <param name="stages">The stages, with all maps that cross.</param>
    /// <param name="options">What was asked for, with a budget wherever no tile is given.</param>
    /// <param name="costs">What steps cost.</param>
    /// <param name="plans">Remembers what was planned for a stage.</param>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget.</exception>
    public static StagedPlan Of(SizedStages stages, StreamingOptions options, StageCosts costs, PlanMemory plans)
    {
        var all = Plan(stages);
        // On the device maps cost little but memory, of which there is enough; with a tile of one's own, the rest is to be as it always
        // was.
        if (options.Tile is not null || options.MayWait is not null || all.OnTheWay is null)
            return all;
        var (best, least) = (all, Worth * StagedTime.Of(all, costs, Rates));
        foreach (var plan in new WaitingMaps(stages, Rates).Fewer().Select(waiting => Try(stages.With(waiting))).OfType<StagedPlan>())
        {
            if (StagedTime.Of(plan, costs, Rates) is var seconds && seconds < least)
                (best, least) = (plan, seconds);
        }

        return best;

        StagedPlan Plan(SizedStages some) =>
            new StagedPlanner(some, options, costs, plans).Choose(() => StepModel.Within(plans.DefaultBudget));

        StagedPlan? Try(SizedStages some)
        {
            try
            {
                return Plan(some);
            }
            catch (InsufficientMemoryException)
            {
                return null;
            }
        }
    }
}
