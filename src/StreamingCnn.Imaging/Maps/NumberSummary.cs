namespace StreamingCnn.Imaging.Maps;

/// <summary>What there is of a number on a map, without positions at which the image has no data.</summary>
/// <param name="Positions">How many positions there are.</param>
/// <param name="Least">The least number; positive infinity where there is none.</param>
/// <param name="Most">The greatest number; negative infinity where there is none.</param>
/// <param name="Sum">The sum, which of a density is a count.</param>
public sealed record NumberSummary(long Positions, double Least, double Most, double Sum)
{
    /// <summary>The mean; NaN where there is none.</summary>
    public double Mean => Sum / Positions;
}
