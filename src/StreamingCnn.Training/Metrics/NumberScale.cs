namespace StreamingCnn.Training.Metrics;

/// <summary>
/// The scale of a number that maps have: what a network learns is (number - mean) / deviation, so that heights in metres and densities far
/// below 1 are learned alike.
/// </summary>
/// <param name="Mean">Mean of the numbers.</param>
/// <param name="Deviation">Their standard deviation, above 0.</param>
public readonly record struct NumberScale(double Mean, double Deviation)
{
    /// <summary>The scale of numbers that are learned as they are.</summary>
    public static NumberScale One { get; } = new(0, 1);
}
