namespace StreamingCnn.Geometry;

/// <summary>
/// Nearest-neighbour resizing to any length: output o reads input floor(o * n / N), which PyTorch computes in single precision.
/// </summary>
/// <remarks>
/// Rounding moves an output to the neighbouring input now and then. Output and gradients must equal PyTorch's, so its rounding is
/// reproduced here, and the cuts are derived from it.
/// </remarks>
public sealed class NearestResize : AxisMap
{
    private readonly float scale;

    /// <summary>Creates the map.</summary>
    public NearestResize(long length, long resized)
        : base(length, resized) => scale = (float)length / resized;

    /// <inheritdoc/>
    public override long VirtualCut(long input)
    {
        var cut = Division.Ceiling(input * OutputLength, InputLength);
        while (Rounded(cut - 1) >= input)
            cut--;
        while (Rounded(cut) < input)
            cut++;
        return cut;
    }

    /// <inheritdoc/>
    public override long Required(long output) => Rounded(output - 1) + 1;

    /// <summary>The input position that output <paramref name="output"/> reads.</summary>
    public long Source(long output) => Math.Clamp(Rounded(output), 0, InputLength - 1);

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) => new(Source(first), Source(end - 1) + 1, 0, 0);

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Source(output);

    private long Rounded(long output)
    {
        if (OutputLength == InputLength)
            return output;
        return OutputLength == 2 * InputLength ? output >> 1 : (long)MathF.Floor(output * scale);
    }
}
