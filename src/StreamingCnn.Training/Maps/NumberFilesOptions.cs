namespace StreamingCnn.Training.Maps;

/// <summary>Which files are made of a map of numbers.</summary>
public sealed record NumberFilesOptions
{
    /// <summary>Whether the numbers are written, NAME.values.tif: float32, a channel for each, tiles and levels.</summary>
    /// <value>The default value is true.</value>
    public bool Map { get; init; } = true;

    /// <summary>Whether a picture for people is written, NAME.overlay.png.</summary>
    /// <value>The default value is true.</value>
    public bool Overlay { get; init; } = true;

    /// <summary>Greatest height and width of the picture without its legend.</summary>
    /// <value>The default value is 1600.</value>
    public int OverlaySide { get; init; } = 1600;
}
