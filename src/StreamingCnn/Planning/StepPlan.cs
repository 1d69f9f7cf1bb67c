namespace StreamingCnn.Planning;

/// <summary>A streamed step as the execution runs it.</summary>
/// <param name="Grid">The tiles.</param>
/// <param name="Kept">What is kept from the forward pass.</param>
/// <param name="Summary">What it costs, for people.</param>
internal sealed record StepPlan(GridPlan Grid, KeptLayers Kept, TilePlan Summary);
