namespace StreamingCnn.Planning.Stages;

/// <summary>
/// Chooses between ways to run a network's stages: with all maps that cross between them waiting, or some computed again.
/// </summary>
internal static class StagedChoice
{
    // How much longer stages of convolutions in groups and of many small layers have taken than the model has it (1.0 to 1.7): what is
    // computed again must not look cheaper than it is.
    private const double Slowness = 1.6;

    // The same on every machine, so that a budget means the same plan everywhere.
    private static readonly ComputeRates Rates = Slower(new());

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

    private static ComputeRates Slower(ComputeRates rates) => rates with
    {
        Work = rates.Work.ToDictionary(
            kind => kind.Key, kind => new WorkRate(kind.Value.Forward / Slowness, kind.Value.Backward / Slowness)),
        Comparisons = rates.Comparisons / Slowness,
        Bandwidth = rates.Bandwidth / Slowness,
    };
}
