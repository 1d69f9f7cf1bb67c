namespace StreamingCnn.Geometry;

/// <summary>A position from which regions of a map are counted.</summary>
/// <param name="Row">Its row.</param>
/// <param name="Column">Its column.</param>
internal readonly record struct Corner(long Row, long Column)
{
    /// <summary>A region of the map, counted from here.</summary>
    public Region Relative(Region region) => Shift(region, -Row, -Column);

    /// <summary>The region of the map that is counted from here.</summary>
    public Region Absolute(Region region) => Shift(region, Row, Column);

    private static Region Shift(Region region, long rows, long columns) => new(
        new(region.Rows.Start + rows, region.Rows.End + rows), new(region.Columns.Start + columns, region.Columns.End + columns));
}
