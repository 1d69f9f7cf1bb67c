namespace StreamingCnn.Imaging.Generators;

/// <summary>
/// The noise of Megapixel MNIST: pictures of two straight lines each, a pixel thick and nearly white, which look a little like digits.
/// </summary>
internal static class LineNoise
{
    private const int Side = DigitBank.Side;

    /// <summary>Draws pictures of 28 x 28 bytes.</summary>
    /// <param name="count">How many.</param>
    /// <param name="random">Decides their slopes and values.</param>
    public static byte[][] Draw(int count, Random random)
    {
        // Each slope is used twice: the second lines are the first in another order, some of them mirrored.
        var slopes = Enumerable.Range(0, count).Select(_ => Math.Tan(random.NextDouble() * Math.PI / 2.5)).ToArray();
        var others = slopes.ToArray();
        random.Shuffle(others);
        return [.. slopes.Zip(others, (first, second) => Picture(first, second, random))];
    }

    private static byte[] Picture(double first, double second, Random random)
    {
        var picture = new byte[Side * Side];
        // Two chances of a third each to be mirrored, in the same direction, as published.
        var isMirrored = (random.NextDouble() < 0.33) ^ (random.NextDouble() < 0.33);
        foreach (var (row, column) in Line(first)
            .Concat(Line(second).Select(point => isMirrored ? (point.Row, Side - 1 - point.Column) : point)))
            picture[(row * Side) + column] = (byte)(255 * (0.8 + (0.2 * random.NextDouble())));
        return picture;
    }

    /// <summary>The pixels of a line from a corner to the far side.</summary>
    private static IEnumerable<(int Row, int Column)> Line(double slope)
    {
        const int Points = 56;
        const double Last = Side - 0.51;
        var length = Math.Min(Last, Last / slope);
        return Enumerable.Range(0, Points)
            .Select(i => length * i / (Points - 1))
            .Select(row => ((int)Math.Round(row), (int)Math.Round(row * slope)));
    }
}
