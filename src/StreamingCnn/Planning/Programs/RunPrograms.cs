namespace StreamingCnn.Planning.Programs;

/// <summary>What the tiles of one run do: what their kinds do, or something of their own where a part of it is asked for alone.</summary>
/// <remarks>
/// Parts of tiles of a kind may lie at other phases of what they read, also where they are alike: each tile has a program of its own then.
/// </remarks>
internal sealed class RunPrograms
{
    private readonly StepPlan step;
    private readonly Demand? demand;

    /// <param name="step">The plan.</param>
    /// <param name="wanted">Which positions of the outputs matter; null for all.</param>
    public RunPrograms(StepPlan step, WantedOutputs? wanted = null)
    {
        this.step = step;
        demand = wanted is null ? null : Demand.Of(step.Grid, wanted);
        Grid = demand is null ? step.Grid : step.Grid.Asking(demand);
        Tiles = demand is null ? Grid.Order() : [.. Grid.Order().Where(Runs)];
    }

    /// <summary>The grid, which knows what is asked for.</summary>
    public GridPlan Grid { get; }

    /// <summary>The tiles that do anything, in the order in which they run forwards.</summary>
    public IReadOnlyList<(int Row, int Column)> Tiles { get; }

    /// <summary>Whether a tile does anything.</summary>
    public bool Runs((int Row, int Column) tile) => demand is null || demand.Of(tile) is not null;

    /// <summary>The tiles that a gradient comes to, in the order in which they run forwards.</summary>
    /// <param name="moved">Which positions of the outputs have a gradient; null for all.</param>
    /// <remarks>
    /// Such a tile does all that it does otherwise, since its layers' records are of all that it has computed. What it sends to tiles that
    /// none comes to is zeros.
    /// </remarks>
    public IReadOnlyList<(int Row, int Column)> TilesMovedBy(WantedOutputs? moved) =>
        moved is not null && Demand.Of(Grid, moved) is { } part ? [.. Tiles.Where(tile => part.Of(tile) is not null)] : Tiles;

    /// <summary>What a tile does in the forward pass.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="willReverse">Whether a backward pass follows, for which layers are recorded.</param>
    public TileProgram Forward((int Row, int Column) tile, bool willReverse)
    {
        var (kind, keptFrom) = (step.Programs.KindOf(tile), willReverse ? step.Kept.From(tile.Row, tile.Column) : Grid.Graph.Nodes.Count);
        return demand is null
            ? step.Programs.Forward(kind, keptFrom)
            : step.Programs.ForwardOf(Grid.Tile(tile.Row, tile.Column), keptFrom);
    }

    /// <summary>What a tile does in the backward pass.</summary>
    /// <param name="tile">The tile.</param>
    public TileProgram Backward((int Row, int Column) tile)
    {
        var (kind, keptFrom) = (step.Programs.KindOf(tile), step.Kept.From(tile.Row, tile.Column));
        return demand is null
            ? step.Programs.Backward(kind, keptFrom)
            : step.Programs.BackwardOf(Grid.Tile(tile.Row, tile.Column), keptFrom);
    }
}
