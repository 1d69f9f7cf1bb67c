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

    /// <summary>The box around it, as far as it lies on the image.</summary>
    public DrawnObject Around(long height, long width)
    {
        var corners = Rings.SelectMany(ring => ring).ToArray();
        return new(
            Class,
            Math.Max(0, corners.Min(corner => corner.X)),
            Math.Max(0, corners.Min(corner => corner.Y)),
            Math.Min(width, corners.Max(corner => corner.X)),
            Math.Min(height, corners.Max(corner => corner.Y)));
    }

    /// <summary>The middle of a box.</summary>
    /// <param name="share">Share of each of its sides.</param>
    public Shape Core(double share)
    {
        var ring = Rings[0];
        var (x, y) = ((ring[0].X + ring[2].X) / 2, (ring[0].Y + ring[2].Y) / 2);
        return this with { Rings = [[.. ring.Select(corner => (x + (share * (corner.X - x)), y + (share * (corner.Y - y))))]] };
    }
}
