namespace StreamingCnn.Imaging.Maps;

/// <summary>Colours of numbers from the least to the greatest: those of viridis, whose lightness grows evenly.</summary>
public static class NumberColours
{
    // Of the values that are drawn so many have the colour of an end, at either.
    private const double Tail = 0.01;

    private static readonly byte[][] Stops =
    [
        [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
        [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
    ];

    // From too little over right to too much.
    private static readonly byte[][] Signed = [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]];

    /// <summary>The colour of a number.</summary>
    /// <param name="share">Where it lies between the least and the greatest, 0 to 1; what lies outside has the colour of the end.</param>
    /// <returns>Red, green and blue.</returns>
    public static byte[] Of(double share) => Between(Stops, share);

    /// <summary>The colour of an error: blue of what is too little, red of what is too much.</summary>
    /// <param name="share">The error by the greatest that has a colour of its own, -1 to 1.</param>
    /// <returns>Red, green and blue.</returns>
    public static byte[] OfError(double share) => Between(Signed, (share + 1) / 2);

    /// <summary>The colours at equal distances, for a scale: where each lies, 0 to 1, and red, green and blue.</summary>
    public static IReadOnlyList<(double Share, byte[] Colour)> Scale =>
        [.. Stops.Index().Select(stop => ((double)stop.Index / (Stops.Length - 1), stop.Item))];

    /// <summary>What the first and the last colour are to stand for, so that few numbers lie outside.</summary>
    /// <param name="numbers">The numbers that are drawn; NaN is passed over.</param>
    public static (double Low, double High) Range(IEnumerable<float> numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        float[] known = [.. numbers.Where(number => !float.IsNaN(number)).Order()];
        if (known.Length == 0)
            return (0, 1);
        var (low, high) = (known[(int)(Tail * (known.Length - 1))], known[(int)Math.Ceiling((1 - Tail) * (known.Length - 1))]);
        return high > low ? (low, high) : (low, low + Math.Max(1e-6f, Math.Abs(low) * 1e-6f));
    }

    private static byte[] Between(byte[][] stops, double share)
    {
        var at = Math.Clamp(share, 0, 1) * (stops.Length - 1);
        var first = Math.Min((int)at, stops.Length - 2);
        return [.. stops[first].Zip(stops[first + 1], (one, other) => (byte)Math.Round(one + ((other - one) * (at - first))))];
    }
}
