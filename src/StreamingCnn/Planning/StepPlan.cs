using StreamingCnn.Graph;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>A streamed step as the execution runs it.</summary>
/// <param name="Grid">The tiles.</param>
/// <param name="Programs">What they do.</param>
/// <param name="Kept">What is kept from the forward pass.</param>
/// <param name="Tile">Height and width of a tile in image pixels; it may be larger than the image.</param>
internal sealed record StepPlan(GridPlan Grid, TilePrograms Programs, KeptLayers Kept, (long Height, long Width) Tile)
{
    /// <summary>Bytes of tensors that a run has alive at most, besides what is there before it; 0 where that is not known.</summary>
    public long HeapBytes { get; init; }

    /// <summary>How several processes share the tiles, of which this is one's part; null where it runs all.</summary>
    public StripedStep? Shared { get; init; }

    /// <summary>What a process with most columns of tiles runs and keeps: all of it where there is one.</summary>
    public (GridPlan Grid, KeptLayers Kept) Widest => Shared is null ? (Grid, Kept) : (Grid.Within(Shared.Stripes.Widest), Shared.Kept);

    /// <summary>The time of a step over that of <see cref="Widest"/> by itself.</summary>
    public double Time => Shared?.Time ?? 1;

    /// <summary>The same over another network with the same structure and geometry.</summary>
    public StepPlan Over(NetworkGraph graph) => this with { Grid = Grid.Over(graph) };
}
