using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;

namespace StreamingCnn.Execution.Stages;

/// <summary>How much of a step is done where sources say which positions count.</summary>
internal static class AskedShare
{
    /// <summary>The share of the multiplications and additions of a step over everything, in [0, 1].</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="sources">The sources, of which those are read that say what counts.</param>
    public static double Of(StagedPlan plan, SourceSet sources)
    {
        double asked = 0, all = 0;
        foreach (var (stage, step) in plan.Steps)
        {
            if (step is null)
                continue;
            var (grid, whole) = (step.Grid, Work(step.Grid));
            var counted = CountedPositions.Of(plan.Network, stage, grid.Graph, sources);
            var demand = counted is null ? null : Demand.Of(grid, counted.Wanted);
            (asked, all) = (asked + (demand is null ? whole : Work(grid.Asking(demand))), all + whole);
        }

        return all > 0 ? asked / all : 1;
    }

    private static double Work(GridPlan grid) => grid.Order().Sum(tile => grid.Graph.Layers
        .Where(node => !grid.Roles.IsView(node.Index) && node.Layer!.WorkPerPosition > 0)
        .Sum(node => node.Layer!.WorkPerPosition * grid.Computed(node.Index, tile.Row, tile.Column).Area));
}
