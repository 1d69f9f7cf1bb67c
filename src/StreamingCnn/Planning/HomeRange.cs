namespace StreamingCnn.Planning;

/// <summary>Tiles Start, ..., End - 1 along one axis; none when End &lt;= Start.</summary>
internal readonly record struct HomeRange(int Start, int End)
{
    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => End <= Start;

    /// <summary>The tiles that both hold.</summary>
    public HomeRange Intersect(HomeRange other) => new(Math.Max(Start, other.Start), Math.Min(End, other.End));

    /// <summary>Those of them before a tile.</summary>
    public HomeRange Before(int step) => this with { End = Math.Min(End, step) };

    /// <summary>The smallest range that holds both; an empty one adds nothing.</summary>
    public HomeRange Hull(HomeRange other) =>
        IsEmpty ? other : other.IsEmpty ? this : new(Math.Min(Start, other.Start), Math.Max(End, other.End));

    /// <summary>Whether a tile is one of them.</summary>
    public bool Contains(int step) => Start <= step && step < End;
}
