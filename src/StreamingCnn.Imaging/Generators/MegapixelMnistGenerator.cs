namespace StreamingCnn.Imaging.Generators;

/// <summary>
/// Images after the rules of Megapixel MNIST (Katharopoulos and Fleuret, "Processing Megapixel Images with Deep Attention-Sampling Models",
/// arXiv 1905.03711): five digits on a large black image, three of them of one class, which is the label, and 50 squares of noise.
/// </summary>
/// <remarks>
/// As published, digits do not overlap each other, but noise may cover them. A digit that is not of the label's class is one of the
/// other nine with equal chances, where the published script draws from the pictures of all of them.
/// </remarks>
public sealed class MegapixelMnistGenerator
{
    /// <summary>Least height and width of an image in pixels: wherever four digits lie, a fifth finds a place.</summary>
    public const int LeastSide = 192;

    private const int Cell = DigitBank.Side;
    private const int Majority = 3;
    private const int Others = 2;
    private const int PatternsOfSet = 50;

    private readonly int seed;
    private readonly DigitBank digits;
    private readonly int noise;
    private readonly byte[][] patterns;

    /// <summary>Creates the generator.</summary>
    /// <param name="side">Height and width of the images in pixels, 192 or more.</param>
    /// <param name="seed">The same seed gives the same images.</param>
    /// <param name="digits">Where digits come from; null for <see cref="StrokeDigits"/>.</param>
    /// <param name="noise">Squares of noise in an image, at least 0; each is one of 50 pictures.</param>
    /// <param name="set">Images of another set have other pictures of noise, also of the same seed: 0 to train on, 1 to test, say.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public MegapixelMnistGenerator(long side, int seed, DigitBank? digits = null, int noise = 50, int set = 0)
    {
        if (side < LeastSide)
            throw new ArgumentOutOfRangeException(nameof(side), side, "The images must be at least 192 pixels high and wide.");
        ArgumentOutOfRangeException.ThrowIfNegative(noise);
        Side = side;
        this.seed = seed;
        this.digits = digits ?? new StrokeDigits();
        this.noise = noise;
        patterns = LineNoise.Draw(PatternsOfSet, new Random(unchecked((int)PositionNoise.Bits(seed, set, 2))));
    }

    /// <summary>Height and width of the images in pixels.</summary>
    public long Side { get; }

    /// <summary>Makes one image; its label is as likely as any other.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative.</exception>
    public DigitCanvas Generate(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var random = new Random(unchecked((int)PositionNoise.Bits(seed, index, 0)));
        var label = random.Next(10);
        var placed = new List<PlacedDigit>(Majority + Others);
        while (placed.Count < Majority + Others)
        {
            var candidate = new PlacedDigit(0, random.NextInt64(Side - Cell + 1), random.NextInt64(Side - Cell + 1), Cell);
            if (placed.Exists(candidate.Overlaps))
                continue;
            var digit = placed.Count < Majority ? label : (label + 1 + random.Next(9)) % 10;
            placed.Add(candidate with { Digit = digit, Picture = digits.Draw(digit, random) });
        }

        return new DigitCanvas(Side, label, placed, [.. Enumerable.Range(0, noise).Select(_ => Noise(random))]);
    }

    // As published, noise begins a digit's side away from the upper and the left edge.
    private PlacedNoise Noise(Random random) =>
        new(random.NextInt64(Cell, Side - Cell), random.NextInt64(Cell, Side - Cell)) { Picture = patterns[random.Next(patterns.Length)] };
}
