namespace StreamingCnn.Imaging.Maps;

/// <summary>A part of a map of classes whose positions have one class and touch by their sides.</summary>
/// <param name="Number">Number of the class.</param>
/// <param name="Area">Positions.</param>
/// <param name="Box">The smallest rectangle around it.</param>
/// <param name="Centre">Mean column and row of its positions' centres, from the map's upper left corner.</param>
/// <param name="Rings">
/// Its outline, then the outlines of its holes: corners, x to the right and y down, the first one not repeated. No ring passes a corner
/// twice, and rings meet at corners alone.
/// </param>
public sealed record MapRegion(
    int Number, long Area, ImageRegion Box, (double X, double Y) Centre, IReadOnlyList<IReadOnlyList<(long X, long Y)>> Rings)
{
    /// <summary>Mean of the weights of its positions, such as probabilities; 0 where none were given.</summary>
    public double MeanWeight { get; init; }
}
