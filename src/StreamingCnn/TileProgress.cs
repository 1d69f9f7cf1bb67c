namespace StreamingCnn;

/// <summary>The two passes over an image.</summary>
public enum TilePass
{
    /// <summary>From the image to the output.</summary>
    Forward,

    /// <summary>From the output's gradient to the parameters'.</summary>
    Backward,
}

/// <summary>How far a pass has come.</summary>
/// <param name="Pass">Which pass.</param>
/// <param name="Done">Tiles done.</param>
/// <param name="Total">Tiles in all.</param>
public readonly record struct TileProgress(TilePass Pass, int Done, int Total);
