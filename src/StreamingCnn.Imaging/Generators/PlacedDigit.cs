namespace StreamingCnn.Imaging.Generators;

/// <summary>A digit at its place in a generated image.</summary>
/// <param name="Digit">0 to 9.</param>
/// <param name="Top">First row of its square.</param>
/// <param name="Left">First column of its square.</param>
/// <param name="Side">Height and width of its square in pixels.</param>
public sealed record PlacedDigit(int Digit, long Top, long Left, int Side)
{
    /// <summary>28 x 28 bytes of ink.</summary>
    internal byte[] Picture { get; init; } = [];

    internal bool Overlaps(PlacedDigit other) =>
        Top < other.Top + other.Side && other.Top < Top + Side && Left < other.Left + other.Side && other.Left < Left + Side;

    /// <summary>Ink at a pixel of the image, interpolated linearly; 0 to 255.</summary>
    internal double Ink(long y, long x)
    {
        var scale = (double)DigitBank.Side / Side;
        return At(((y - Top + 0.5) * scale) - 0.5, ((x - Left + 0.5) * scale) - 0.5);
    }

    private double At(double y, double x)
    {
        var (y0, x0) = (Math.Floor(y), Math.Floor(x));
        var (fy, fx) = (y - y0, x - x0);
        return ((1 - fy) * (((1 - fx) * Pixel(y0, x0)) + (fx * Pixel(y0, x0 + 1))))
            + (fy * (((1 - fx) * Pixel(y0 + 1, x0)) + (fx * Pixel(y0 + 1, x0 + 1))));
    }

    private double Pixel(double y, double x) =>
        y is < 0 or >= DigitBank.Side || x is < 0 or >= DigitBank.Side ? 0 : Picture[((int)y * DigitBank.Side) + (int)x];
}
