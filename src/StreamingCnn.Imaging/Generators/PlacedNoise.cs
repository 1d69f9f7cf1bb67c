namespace StreamingCnn.Imaging.Generators;

/// <summary>A picture of noise at its place in a generated image; its square covers what lies below, digits too.</summary>
/// <param name="Top">First row of its square of 28 x 28 pixels.</param>
/// <param name="Left">First column of its square.</param>
public sealed record PlacedNoise(long Top, long Left)
{
    /// <summary>28 x 28 bytes of ink.</summary>
    internal byte[] Picture { get; init; } = [];
}
