using StreamingCnn.Geometry;

namespace StreamingCnn.Planning.Stages;

/// <summary>
/// Which columns of the maps that wait between stages each process makes, and which it holds: those that it makes, and those that its tiles
/// read in later stages. Where stripes meet, a map keeps the cuts that it was made with; what a stage reads beyond them comes from the
/// neighbours.
/// </summary>
internal sealed class StripedMaps
{
    private readonly Interval[]?[] made;
    private readonly Interval[]?[] held;

    /// <param name="plan">The plan, of which each stage is divided into stripes.</param>
    /// <param name="ranks">Number of processes.</param>
    public StripedMaps(StagedPlan plan, int ranks)
    {
        var maps = plan.Network.Network.Maps.Count;
        (made, held) = (new Interval[]?[maps], new Interval[]?[maps]);
        foreach (var (stage, step) in plan.Steps)
        {
            foreach (var (output, node) in step is null ? [] : stage.Outputs.Zip(step.Grid.Graph.Outputs))
            {
                if (output.IsBoundary)
                    made[output.Map] = [.. Enumerable.Range(0, ranks).Select(rank => MadeOf(step!, node, step!.Shared!.Stripes.Of(rank)))];
            }
        }

        for (var map = 0; map < maps; map++)
            held[map] = made[map]?.ToArray();
        foreach (var (stage, step) in plan.Steps)
        {
            foreach (var (source, map) in step is null ? [] : stage.Sources.Index())
            {
                for (var rank = 0; held[map] is { } columns && rank < ranks; rank++)
                    columns[rank] = columns[rank].Hull(ReadOf(step!, source, step!.Shared!.Stripes.Of(rank)));
            }
        }

        // A process without tiles holds a column all the same: a map of no columns is none.
        foreach (var columns in held.OfType<Interval[]>())
        {
            for (var rank = 0; rank < ranks; rank++)
                columns[rank] = columns[rank].IsEmpty ? new(0, 1) : columns[rank];
        }
    }

    /// <summary>The columns of a map that waits that a process's tiles make.</summary>
    public Interval Made(int map, int rank) => made[map]![rank];

    /// <summary>The columns of a map that waits that a process holds.</summary>
    public Interval Held(int map, int rank) => held[map]![rank];

    private static Interval MadeOf(StepPlan step, int node, HomeRange stripe) => stripe.IsEmpty
        ? default
        : new(step.Grid.Columns.Computed(node, stripe.Start).Start, step.Grid.Columns.Computed(node, stripe.End - 1).End);

    private static Interval ReadOf(StepPlan step, int source, HomeRange stripe)
    {
        var (grid, read) = (step.Grid, default(Interval));
        foreach (var reader in grid.Graph.Layers.Where(node => !grid.Roles.IsView(node.Index)))
        {
            if (!reader.Inputs.Any(input => grid.Roles.Root(input) == source))
                continue;
            for (var column = stripe.Start; column < stripe.End; column++)
            {
                if (!grid.Columns.Computed(reader.Index, column).IsEmpty)
                    read = read.Hull(grid.Columns.Patch(reader.Index, column).Span.Interval);
            }
        }

        return read;
    }
}
