namespace StreamingCnn.Imaging.Maps.Regions;

/// <summary>Positions of one class side by side in a row.</summary>
/// <param name="Start">The first column.</param>
/// <param name="End">The column behind the last one.</param>
/// <param name="Number">Number of the class.</param>
internal record struct MapRun(long Start, long End, byte Number)
{
    /// <summary>The region; null for the class that is passed over.</summary>
    public OpenRegion? Region { get; set; }

    /// <summary>The outline that begins at the lower end of the left side, going up.</summary>
    public Outline? Left { get; set; }

    /// <summary>The outline that ends at the lower end of the right side, coming down.</summary>
    public Outline? Right { get; set; }
}
