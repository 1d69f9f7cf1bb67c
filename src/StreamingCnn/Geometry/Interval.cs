namespace StreamingCnn.Geometry;

/// <summary>The positions Start, Start + 1, ..., End - 1 of one axis. Empty when End &lt;= Start.</summary>
public readonly record struct Interval(long Start, long End)
{
    /// <summary>Number of positions; 0 when empty.</summary>
    public long Length => Math.Max(0, End - Start);

    /// <summary>Whether the interval holds no position.</summary>
    public bool IsEmpty => End <= Start;

    /// <summary>The positions that both intervals hold.</summary>
    public Interval Intersect(Interval other) => new(Math.Max(Start, other.Start), Math.Min(End, other.End));

    /// <summary>The smallest interval that holds both; an empty one adds nothing.</summary>
    public Interval Hull(Interval other) =>
        IsEmpty ? other : other.IsEmpty ? this : new(Math.Min(Start, other.Start), Math.Max(End, other.End));

    /// <summary>Whether every position of <paramref name="other"/> is in this interval.</summary>
    public bool Contains(Interval other) => other.IsEmpty || (Start <= other.Start && other.End <= End);

    /// <inheritdoc/>
    public override string ToString() => $"[{Start}, {End})";
}
