using StreamingCnn.Graph.Stages;

namespace StreamingCnn.Planning.Stages;

/// <summary>What the plan of a network's stages does and costs, for people.</summary>
internal static class StagedSummary
{
    /// <summary>Sums up a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="costs">What steps cost.</param>
    /// <param name="written">The stages as they are written, which conventional backpropagation runs.</param>
    /// <param name="rates">Those of the machine that the times are for, in the formats of the network's and the conventional step's maps;
    /// asked for when somebody asks for times.</param>
    public static TilePlan Of(
        StagedPlan plan, StreamingOptions options, StageCosts costs, SizedStages written, Func<ComputeRates[]> rates)
    {
        var planner = new StagedPlanner(plan.Stages, options, costs, new PlanMemory());
        var maps = new BoundaryBytes(plan.Stages, costs.ValueBytes, costs.GradientBytes);
        var runs = plan.Steps.Where(step => step.Step is not null)
            .Select(step => (Step: step, Model: Model(plan.Stages, step, costs))).ToArray();
        var (most, model) = runs.MaxBy(run => run.Step.Bytes);
        var kept = most.Step!.Widest.Kept;
        var trunk = Trunk(plan.Stages, most, costs);
        var (values, gradients) = plan.OnTheWay is null ? planner.HeldAt(most.Stage.Index) : default;
        var waiting = values + gradients + most.Cost!.Bytes(most.Step.Grid, trunk) - most.Cost.BytesBesides;
        var carried = model.CarryBytes(kept) + (plan.KeepsAll ? 0 : most.BytesBefore);
        // The largest tile's work, what is kept and the carry are not all at their most at the same time; what is said of them
        // is to add up.
        var besides = Math.Max(0, most.Bytes - planner.ParameterBytes - planner.OutputBytes - waiting - carried);
        var tile = Math.Min(Math.Max(0, model.TileBytes(kept) - most.Cost.Bytes(most.Step.Grid, trunk)), besides);
        var first = runs[0].Step.Step!;
        var messages = runs.Select(run => StripeMessages.Of(run.Step.Step!, costs.ValueBytes)).ToArray();
        var image = plan.Stages.Sources.MaxBy(size => size.Height * size.Width);
        var computed = runs.Select(run => PlanSummary.Computed(run.Step.Step!.Grid)).ToArray();
        return new TilePlan
        {
            Image = image,
            Tile = (Math.Min(first.Tile.Height, image.Height), Math.Min(first.Tile.Width, image.Width)),
            Grid = (first.Grid.Rows.Steps, first.Grid.Columns.Steps),
            LateMaps = PlanSummary.LateMaps(first.Grid),
            Outputs = [.. plan.Network.Network.Outputs.Select(output => output.IsSmall ? (1, 1) : plan.Size(output.Index))],
            Mode = options.Mode,
            Stages = plan.Steps.Count,
            Processes = first.Shared?.Stripes.Count ?? 1,
            RowMessageBytes = messages.Max(message => message.Row),
            MessageBytes = messages.Sum(message => message.Pass),
            ParameterBytes = planner.ParameterBytes,
            OutputBytes = planner.OutputBytes,
            MapBytes = waiting,
            MapElsewhereBytes = plan.OnTheWay is null ? 0 : maps.Most,
            CarryBytes = carried,
            CarryElsewhereBytes = runs.Sum(run => run.Model.CarryElsewhereBytes),
            // The end of a step takes more than any stage where there are many weights.
            TileBytes = tile + plan.Bytes - most.Bytes,
            KeptBytes = besides - tile,
            WholeBytes = new StagedPlanner(written, options, costs, new PlanMemory()).WholeBytes(),
            Recomputed = runs.Sum(run => run.Model.Recompute(run.Step.Step!.Widest.Kept)) / runs.Sum(run => run.Model.Forward),
            ComputedOnceRatio = computed.Sum(one => one.All) == 0 ? 1 : computed.Sum(one => one.Computed) / computed.Sum(one => one.All),
            Times = Times,
            Explaining = () => StagedText.Of(plan, maps, step => Trunk(plan.Stages, step, costs)),
        };

        (double Step, double Whole) Times()
        {
            var measured = rates();
            return (
                StagedTime.Of(plan, costs, measured[0]),
                new StagedPlanner(written, options, costs, new PlanMemory()).WholeSeconds(measured[^1]));
        }
    }

    private static StepModel Model(SizedStages stages, StageStep step, StageCosts costs) =>
        new(step.Step!.Widest.Grid, Trunk(stages, step, costs));

    private static TrunkCost Trunk(SizedStages stages, StageStep step, StageCosts costs) =>
        costs.Of(step.Stage.Graph!, stages.WantedOf(step.Stage)).In(step.Cost!);
}
