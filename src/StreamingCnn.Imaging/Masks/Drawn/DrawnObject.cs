namespace StreamingCnn.Imaging.Masks.Drawn;

/// <summary>The box around a shape of a <see cref="DrawnMask"/>, in pixels of the image at full resolution.</summary>
/// <param name="Class">The class's name.</param>
/// <param name="Left">Its left side.</param>
/// <param name="Top">Its upper side.</param>
/// <param name="Right">Its right side.</param>
/// <param name="Bottom">Its lower side.</param>
public sealed record DrawnObject(string Class, double Left, double Top, double Right, double Bottom)
{
    /// <summary>How far a position is from the centre, where 1 is the nearest side or beyond.</summary>
    internal double Distance(double x, double y) => Math.Max(
        Math.Abs((2 * x) - Left - Right) / (Right - Left), Math.Abs((2 * y) - Top - Bottom) / (Bottom - Top));
}
