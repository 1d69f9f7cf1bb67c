namespace StreamingCnn.Imaging.Generators;

/// <summary>Digits drawn from strokes, each time with another slant, size, thickness and wobble; needs no files.</summary>
public sealed class StrokeDigits : DigitBank
{
    // Polylines in a box of 0..10, x to the right and y downwards; ';' lifts the pen.
    private static readonly string[] Strokes =
    [
        "5,0 8,2 9,5 8,8 5,10 2,8 1,5 2,2 5,0",
        "3,2 5.5,0 5.5,10",
        "1,3 2,1 5,0 8,1 8.5,3.5 6,6 1,10 9,10",
        "1,1.5 4,0 7.5,1 8,3 6.5,4.7 4,5 7,5.4 8.5,7.5 7,9.5 4,10 1,8.5",
        "7,10 7,0 1,7 9.5,7",
        "8.5,0 2.5,0 2,4.5 5,3.8 8,5 8.5,7.5 7,9.5 4,10 1,8.7",
        "7.5,0.5 4,2 2,5 1.7,8 3.5,9.8 6.5,9.8 8.3,8 7.5,5.5 5,4.8 2.2,6.5",
        "1,0 9,0 4.5,10;3,5.2 7.6,5.2",
        "5,4.8 2,3.4 2,1.3 5,0 8,1.3 8,3.4 5,4.8 1.6,6.6 1.6,8.8 5,10 8.4,8.8 8.4,6.6 5,4.8",
        "7.8,3.5 5,5.2 2.3,4.3 1.8,2 3.8,0.2 6.5,0.2 8,2 7.8,5 6.8,10",
    ];

    private static readonly (double X, double Y)[][][] Lines =
        [.. Strokes.Select(text => text.Split(';').Select(Parse).ToArray())];

    /// <inheritdoc/>
    public override byte[] Draw(int digit, Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        double Between(double low, double high) => low + (random.NextDouble() * (high - low));
        var (slant, angle, size) = (Between(-0.25, 0.25), Between(-0.15, 0.15), Between(1.55, 1.95));
        var (stretch, pen) = (Between(0.8, 1.1), Between(1.0, 1.7));
        var lines = Lines[digit].Select(line => line.Select(point =>
        {
            var (x, y) = (point.X - 5 + Between(-0.35, 0.35), point.Y - 5 + Between(-0.35, 0.35));
            x = (x * stretch) - (slant * y);
            return (
                X: 14 + (size * ((x * Math.Cos(angle)) - (y * Math.Sin(angle)))),
                Y: 14 + (size * ((x * Math.Sin(angle)) + (y * Math.Cos(angle)))));
        }).ToArray()).ToArray();
        var picture = new byte[Side * Side];
        for (var i = 0; i < picture.Length; i++)
        {
            var distance = lines.Min(line => Distance(line, (i % Side) + 0.5, (i / Side) + 0.5));
            picture[i] = (byte)(255 * Math.Clamp(pen - distance + 0.5, 0, 1));
        }

        return picture;
    }

    private static double Distance((double X, double Y)[] line, double x, double y)
    {
        var least = double.MaxValue;
        for (var i = 1; i < line.Length; i++)
        {
            var (ax, ay, dx, dy) = (line[i - 1].X, line[i - 1].Y, line[i].X - line[i - 1].X, line[i].Y - line[i - 1].Y);
            var along = Math.Clamp((((x - ax) * dx) + ((y - ay) * dy)) / ((dx * dx) + (dy * dy) + 1e-9), 0, 1);
            least = Math.Min(least, Math.Sqrt(Math.Pow(x - ax - (along * dx), 2) + Math.Pow(y - ay - (along * dy), 2)));
        }

        return least;
    }

    private static (double X, double Y)[] Parse(string text) =>
        [.. text.Split(' ').Select(point => point.Split(',')).Select(pair =>
            (
                double.Parse(pair[0], System.Globalization.CultureInfo.InvariantCulture),
                double.Parse(pair[1], System.Globalization.CultureInfo.InvariantCulture)))];
}
