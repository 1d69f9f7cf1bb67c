namespace StreamingCnn.Imaging.Generators;

/// <summary>
/// Images after the rules of UltraMNIST (Gupta et al., 2022): 3 to 5 digits of very different sizes on noise; the label is their sum, 0 to
/// 27. At the original's 4000 pixels a digit is 28 pixels times a scale between 1 and 75 high; other sizes of image scale with it.
/// </summary>
public sealed class UltraMnistGenerator
{
    /// <summary>Number of classes: the sums 0 to 27.</summary>
    public const int Classes = 28;

    private readonly DigitBank digits;
    private readonly int seed;
    private readonly double noise;

    /// <summary>Creates the generator.</summary>
    /// <param name="side">Height and width of the images in pixels, 64 or more.</param>
    /// <param name="seed">The same seed gives the same images.</param>
    /// <param name="digits">Where digits come from; null for <see cref="StrokeDigits"/>.</param>
    /// <param name="noise">Brightest value of the background noise, 0 to 255.</param>
    /// <exception cref="ArgumentOutOfRangeException">The images are smaller than 64 pixels.</exception>
    public UltraMnistGenerator(long side, int seed, DigitBank? digits = null, double noise = 64)
    {
        if (side < 64)
            throw new ArgumentOutOfRangeException(nameof(side), side, "The images must be at least 64 pixels high and wide.");
        Side = side;
        this.seed = seed;
        this.digits = digits ?? new StrokeDigits();
        this.noise = noise;
    }

    /// <summary>Height and width of the images in pixels.</summary>
    public long Side { get; }

    /// <summary>
    /// Makes one image. Label and number of digits are drawn first, each as likely as any other, then digits with that sum.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is negative.</exception>
    public DigitCanvas Generate(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var noiseSeed = unchecked((long)PositionNoise.Bits(seed, index, 1));
        var random = new Random(unchecked((int)PositionNoise.Bits(seed, index, 0)));
        var sum = random.Next(Classes);
        var values = DigitsWithSum(sum, 3 + random.Next(3), random);
        while (true)
        {
            // Where digits do not fit beside each other other sizes are drawn, never other digits: few large ones would be favoured.
            if (Place(values, random) is { } placed)
                return new DigitCanvas(Side, sum, placed, noiseSeed, noise);
        }
    }

    private static int[] DigitsWithSum(int sum, int count, Random random)
    {
        while (true)
        {
            var values = Enumerable.Range(0, count).Select(_ => random.Next(10)).ToArray();
            // Drawing until the last digit fits keeps all combinations equally likely.
            var last = sum - values[..^1].Sum();
            if (last is < 0 or > 9)
                continue;
            values[^1] = last;
            return values;
        }
    }

    private List<PlacedDigit>? Place(int[] values, Random random)
    {
        var placed = new List<PlacedDigit>();
        foreach (var value in values)
        {
            // Sizes spread evenly over orders of magnitude, as evidence does between scales.
            var scale = Math.Exp(random.NextDouble() * Math.Log(75));
            var size = (int)Math.Clamp(DigitBank.Side * scale * Side / 4000, 8, Side);
            PlacedDigit? fitting = null;
            for (var attempt = 0; attempt < 50 && fitting is null; attempt++)
            {
                var candidate = new PlacedDigit(value, random.NextInt64(Side - size + 1), random.NextInt64(Side - size + 1), size);
                fitting = placed.Exists(candidate.Overlaps) ? null : candidate;
            }

            if (fitting is null)
                return null;
            placed.Add(fitting with { Picture = digits.Draw(value, random) });
        }

        return placed;
    }
}
