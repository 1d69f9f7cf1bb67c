namespace StreamingCnn.Planning.Programs;

/// <summary>What the tiles of one run do: what their kinds do, or something of their own where a part of it is asked for alone.</summary>
internal sealed class RunPrograms
{
    private readonly StepPlan step;
    private readonly Demand? demand;

    /// <param name="step">The plan.</param>
    /// <param name="wanted">Which positions of the outputs matter; null for all.</param>
    public RunPrograms(StepPlan step, WantedOutputs? wanted = null)
    {
        this.step = step;
        demand = wanted is null ? null : Demand.Of(step.Grid, step.Programs, wanted);
        Grid = demand is null ? step.Grid : step.Grid.Asking(demand);
        Tiles = demand is null ? Grid.Order() : [.. Grid.Order().Where(tile => !demand.IsNothing(tile))];
    }

    /// <summary>The grid, which knows what is asked for.</summary>
    public GridPlan Grid { get; }

    /// <summary>The tiles that do anything, in the order in which they run forwards.</summary>
    public IReadOnlyList<(int Row, int Column)> Tiles { get; }

    /// <summary>Whether a tile does anything.</summary>
    public bool Runs((int Row, int Column) tile) => demand is null || !demand.IsNothing(tile);

    /// <summary>What a tile does in the forward pass.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="willReverse">Whether a backward pass follows, for which layers are recorded.</param>
    public TileProgram Forward((int Row, int Column) tile, bool willReverse)
    {
        var keptFrom = willReverse ? step.Kept.From(tile.Row, tile.Column) : Grid.Graph.Nodes.Count;
        return IsOfKind(tile)
            ? step.Programs.Forward(step.Programs.KindOf(tile), keptFrom)
            : step.Programs.ForwardOf(Grid.Tile(tile.Row, tile.Column), keptFrom);
    }

    /// <summary>What a tile does in the backward pass.</summary>
    /// <param name="tile">The tile.</param>
    public TileProgram Backward((int Row, int Column) tile)
    {
        var keptFrom = step.Kept.From(tile.Row, tile.Column);
        return IsOfKind(tile)
            ? step.Programs.Backward(step.Programs.KindOf(tile), keptFrom)
            : step.Programs.BackwardOf(Grid.Tile(tile.Row, tile.Column), keptFrom);
    }

    private bool IsOfKind((int Row, int Column) tile) => demand is null || demand.IsAll(tile);
}
