namespace StreamingCnn.Planning;

/// <summary>A streamed step as the execution runs it.</summary>
/// <param name="Grid">The tiles.</param>
/// <param name="Kept">What is kept from the forward pass.</param>
/// <param name="Tile">Height and width of a tile in image pixels; it may be larger than the image.</param>
/// <param name="Late">From which stride on maps advance with every few tiles only, and with how many; null for all with every tile.</param>
internal sealed record StepPlan(GridPlan Grid, KeptLayers Kept, (long Height, long Width) Tile, (int Stride, int Period)? Late);
