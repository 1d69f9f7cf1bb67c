namespace StreamingCnn.Imaging;

/// <summary>
/// Which input positions an output position of a resampled axis is made of, and with what weights: a triangle filter as wide as the scale,
/// which averages when the image gets smaller and interpolates linearly when it gets larger.
/// </summary>
/// <remarks>
/// Everything is computed from the output's index alone, never carried on from its neighbour, so the same pixel comes out of every window.
/// Weights are whole numbers that sum to 2^<see cref="Shift"/>; at the border the filter is cut off and weighted anew.
/// </remarks>
internal readonly struct ResampleTaps
{
    /// <summary>Bits of the fixed-point weights.</summary>
    public const int Shift = 22;

    private readonly double scale;
    private readonly double support;
    private readonly long length;

    public ResampleTaps(long inputLength, long outputLength)
    {
        length = inputLength;
        scale = (double)inputLength / outputLength;
        support = Math.Max(1, scale);
    }

    /// <summary>First input position read by output <paramref name="index"/>, and one past the last.</summary>
    public (long First, long End) Span(long index)
    {
        var centre = (index + 0.5) * scale;
        var first = Math.Clamp((long)Math.Floor(centre - support), 0, length - 1);
        var end = Math.Clamp((long)Math.Ceiling(centre + support), first + 1, length);
        return (first, end);
    }

    /// <summary>The weights of the positions in <see cref="Span"/>; they sum to exactly 2^<see cref="Shift"/>.</summary>
    public int[] Weights(long index)
    {
        var (first, end) = Span(index);
        var centre = (index + 0.5) * scale;
        var real = new double[end - first];
        double sum = 0;
        for (var i = 0; i < real.Length; i++)
            sum += real[i] = Math.Max(0, 1 - (Math.Abs(first + i + 0.5 - centre) / support));
        var weights = new int[real.Length];
        var left = 1 << Shift;
        var largest = 0;
        for (var i = 0; i < real.Length; i++)
        {
            weights[i] = (int)Math.Round(real[i] / sum * (1 << Shift));
            left -= weights[i];
            if (weights[i] > weights[largest])
                largest = i;
        }

        weights[largest] += left;
        return weights;
    }
}
