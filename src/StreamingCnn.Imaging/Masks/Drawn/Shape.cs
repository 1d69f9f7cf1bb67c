namespace StreamingCnn.Imaging.Masks.Drawn;

/// <summary>An area of one class: what an odd number of its rings surrounds.</summary>
/// <param name="Class">The class's name.</param>
/// <param name="Rings">
/// Corners of each ring in pixels of the image, x to the right and y down from its upper left corner; the last is joined with the first.
/// </param>
/// <param name="Place">Where the file has it, for messages, such as <c>feature 3</c>.</param>
internal sealed record Shape(string Class, IReadOnlyList<(double X, double Y)[]> Rings, string Place)
{
    /// <summary>What it is called itself; empty where the file does not say.</summary>
    public string Name { get; init; } = "";

    /// <summary>The colour that the file gives its class; null where it gives none.</summary>
    public (byte Red, byte Green, byte Blue)? Colour { get; init; }
}
