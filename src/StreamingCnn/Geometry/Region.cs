namespace StreamingCnn.Geometry;

/// <summary>A rectangle of positions of a feature map or image.</summary>
public readonly record struct Region(Interval Rows, Interval Columns)
{
    /// <summary>The rectangle that holds a whole map.</summary>
    public static Region Whole(long height, long width) => new(new(0, height), new(0, width));

    /// <summary>Whether the rectangle holds no position.</summary>
    public bool IsEmpty => Rows.IsEmpty || Columns.IsEmpty;

    /// <summary>Number of positions.</summary>
    public long Area => Rows.Length * Columns.Length;

    /// <summary>The positions that both rectangles hold.</summary>
    public Region Intersect(Region other) => new(Rows.Intersect(other.Rows), Columns.Intersect(other.Columns));

    /// <summary>The smallest rectangle that holds both; an empty one adds nothing.</summary>
    public Region Hull(Region other) =>
        IsEmpty ? other : other.IsEmpty ? this : new(Rows.Hull(other.Rows), Columns.Hull(other.Columns));

    /// <summary>Whether every position of <paramref name="other"/> is in this rectangle.</summary>
    public bool Contains(Region other) => other.IsEmpty || (Rows.Contains(other.Rows) && Columns.Contains(other.Columns));

    /// <summary>What there is around another rectangle in this one, in at most four; all of this one around an empty one.</summary>
    internal IEnumerable<Region> Around(Region inner)
    {
        if (inner.IsEmpty)
            return IsEmpty ? [] : [this];
        Region[] sides =
        [
            this with { Rows = Rows with { End = inner.Rows.Start } },
            new(inner.Rows, Columns with { End = inner.Columns.Start }),
            new(inner.Rows, Columns with { Start = inner.Columns.End }),
            this with { Rows = Rows with { Start = inner.Rows.End } },
        ];
        return sides.Where(side => !side.IsEmpty);
    }

    /// <inheritdoc/>
    public override string ToString() => $"rows {Rows} x columns {Columns}";
}
