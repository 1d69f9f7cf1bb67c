namespace StreamingCnn.Geometry;

/// <summary>What an interval of outputs reads along one axis.</summary>
/// <param name="Start">First input position read.</param>
/// <param name="End">One past the last input position read; equal to <paramref name="Start"/> when nothing but padding is read.</param>
/// <param name="Before">Positions of padding that precede them.</param>
/// <param name="After">Positions of padding that follow them.</param>
public readonly record struct AxisSpan(long Start, long End, long Before, long After)
{
    /// <summary>The input positions read.</summary>
    public Interval Interval => new(Start, End);

    /// <summary>Whether any padding is read.</summary>
    public bool IsPadded => Before > 0 || After > 0;
}
