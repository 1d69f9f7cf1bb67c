namespace StreamingCnn.Geometry;

/// <summary>One of the two axes of an image. Rows and columns are treated alike and independently.</summary>
public enum Axis
{
    /// <summary>The vertical axis: positions are row numbers, lengths are heights.</summary>
    Rows,

    /// <summary>The horizontal axis: positions are column numbers, lengths are widths.</summary>
    Columns,
}
