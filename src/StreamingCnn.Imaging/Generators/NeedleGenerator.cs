namespace StreamingCnn.Imaging.Generators;

/// <summary>
/// Needles in a haystack after the rules of nMNIST (Pawlowski et al., "Needles in Haystacks", 2019): digits, by default 28 pixels high, all
/// over a dark image; the image is positive when exactly one of them is a 3 and negative when none is.
/// </summary>
public sealed class NeedleGenerator
{
    /// <summary>The digit to be found.</summary>
    public const int Needle = 3;

    /// <summary>Least height and width of a digit in pixels.</summary>
    public const int LeastDigitSide = 8;

    private readonly DigitBank digits;
    private readonly int seed;
    private readonly double noise;

    /// <summary>Creates the generator.</summary>
    /// <param name="side">Height and width of the images in pixels, 64 or more.</param>
    /// <param name="seed">The same seed gives the same images.</param>
    /// <param name="digits">Where digits come from; null for <see cref="StrokeDigits"/>.</param>
    /// <param name="density">Share of the 32 x 32 cells of the image that hold a digit, in (0, 1].</param>
    /// <param name="noise">Brightest value of the background noise, 0 to 255.</param>
    /// <param name="digitSide">
    /// Height and width of the square of a digit in pixels, 8 to 28. The smaller, the less an image may be shrunk before its digits are
    /// lost.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public NeedleGenerator(
        long side, int seed, DigitBank? digits = null, double density = 0.25, double noise = 0, int digitSide = DigitBank.Side)
    {
        if (side < 64)
            throw new ArgumentOutOfRangeException(nameof(side), side, "The images must be at least 64 pixels high and wide.");
        if (!(density is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(density), density, "The share of cells with a digit must lie above 0 and not above 1.");
        if (digitSide is < LeastDigitSide or > DigitBank.Side)
            throw new ArgumentOutOfRangeException(nameof(digitSide), digitSide, "Digits must be 8 to 28 pixels high and wide.");
        Side = side;
        this.seed = seed;
        this.digits = digits ?? new StrokeDigits();
        Density = density;
        this.noise = noise;
        DigitSide = digitSide;
    }

    /// <summary>Height and width of the images in pixels.</summary>
    public long Side { get; }

    /// <summary>Share of the cells that hold a digit.</summary>
    public double Density { get; }

    /// <summary>Height and width of the square of a digit in pixels.</summary>
    public int DigitSide { get; }

    /// <summary>Makes one image; even indices are negative (label 0), odd ones positive (label 1).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative.</exception>
    public DigitCanvas Generate(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var noiseSeed = unchecked((long)PositionNoise.Bits(seed, index, 1));
        var random = new Random(unchecked((int)PositionNoise.Bits(seed, index, 0)));
        var label = index % 2;
        // One digit per cell at a random place in it: no two overlap, and a gigapixel canvas is filled in one go.
        const int Cell = 32;
        var cells = (int)(Side / Cell);
        var chosen = Enumerable.Range(0, cells * cells).ToArray();
        random.Shuffle(chosen);
        var count = Math.Max(1, (int)Math.Round(Density * chosen.Length));
        var placed = new List<PlacedDigit>(count);
        for (var i = 0; i < count; i++)
        {
            var other = random.Next(9);
            var digit = i == 0 && label == 1 ? Needle : other >= Needle ? other + 1 : other;
            var (row, column) = (chosen[i] / cells, chosen[i] % cells);
            var top = ((long)row * Cell) + random.Next(Cell - DigitSide + 1);
            var left = ((long)column * Cell) + random.Next(Cell - DigitSide + 1);
            placed.Add(new PlacedDigit(digit, top, left, DigitSide)
            {
                Picture = digits.Draw(digit, random),
            });
        }

        return new DigitCanvas(Side, label, placed, noiseSeed, noise);
    }
}
