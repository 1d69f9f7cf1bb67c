using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>A streamed step as the execution runs it.</summary>
/// <param name="Grid">The tiles.</param>
/// <param name="Kept">What is kept from the forward pass.</param>
/// <param name="Tile">Height and width of a tile in positions of the source that sets the pace; it may be larger than that.</param>
internal sealed record StepPlan(GridPlan Grid, KeptLayers Kept, (long Height, long Width) Tile)
{
    /// <summary>The same over another network with the same structure and geometry.</summary>
    public StepPlan Over(NetworkGraph graph) => this with { Grid = Grid.Over(graph) };
}
