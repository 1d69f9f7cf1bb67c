namespace StreamingCnn.Planning.Stages;

/// <summary>How long the stages of a network take.</summary>
internal static class StagedTime
{
    // Bytes per second of a file that maps wait in; what a disk gives is known only when one is there.
    private const double FileRate = 1e9;

    // The same of the memory of a host, beside a device.
    private const double HostRate = 10e9;

    /// <summary>Seconds of a step.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="costs">What steps cost.</param>
    /// <param name="rates">The machine.</param>
    public static double Of(StagedPlan plan, StageCosts costs, ComputeRates rates)
    {
        var maps = new BoundaryBytes(plan.Stages, costs.ValueBytes, costs.GradientBytes);
        return plan.Steps.Where(step => step.Step is not null).Sum(step =>
        {
            var trunk = costs.Of(step.Stage.Graph!, plan.Stages.WantedOf(step.Stage)).In(step.Cost!).At(rates);
            var (grid, kept) = step.Step!.Widest;
            var seconds = new StepModel(grid, trunk).Seconds(kept) * step.Step.Time;
            var traffic = maps.Traffic(step.Stage.Index);
            // Elsewhere it goes on while tiles are computed.
            return plan.OnTheWay is null ? seconds + (traffic / rates.Bandwidth)
                : Math.Max(seconds, traffic / (plan.Place == CarryPlace.Host ? HostRate : FileRate));
        });
    }
}
