namespace StreamingCnn.Geometry;

/// <summary>
/// Linear interpolation along one axis (bilinear, seen per axis) to any length, with pixel centres aligned
/// (<c>align_corners = false</c>) or corner pixels aligned (<c>true</c>), as PyTorch defines them.
/// </summary>
public sealed class LinearResize(long length, long resized, bool alignCorners) : AxisMap(length, resized)
{
    private bool IsConstant => alignCorners && (InputLength == 1 || OutputLength == 1);

    /// <inheritdoc/>
    public override long VirtualCut(long input)
    {
        if (IsConstant)
            return input >= 1 ? OutputLength * input : Math.Min(0, input);
        return alignCorners
            ? Division.Ceiling((input - 1) * (OutputLength - 1), InputLength - 1)
            : Division.Ceiling(OutputLength * (2 * input - 1) - InputLength, 2 * InputLength);
    }

    /// <inheritdoc/>
    public override long Required(long output)
    {
        if (IsConstant)
            return output <= 0 ? output : Division.Ceiling(output, OutputLength);
        return alignCorners
            ? Division.Floor((output - 1) * (InputLength - 1), OutputLength - 1) + 2
            : Division.Ceiling(Division.Floor(InputLength * (2 * output - 1), OutputLength) + 2, 2);
    }

    /// <summary>
    /// The two inputs between which output <paramref name="output"/> lies, and the weight of the upper one as the exact fraction
    /// <c>Numerator / Denominator</c>. At the border both are the same position.
    /// </summary>
    public (long Lower, long Upper, long Numerator, long Denominator) Source(long output)
    {
        if (IsConstant)
            return (0, 0, 0, 1);
        // The position as a fraction: o (n-1) / (N-1), or (o + 1/2) n / N - 1/2, which PyTorch clamps at 0.
        var (position, denominator) = alignCorners
            ? (output * (InputLength - 1), OutputLength - 1)
            : ((2 * output + 1) * InputLength - OutputLength, 2 * OutputLength);
        if (position < 0)
            return (0, 0, 0, 1);
        var lower = Math.Min(position / denominator, InputLength - 1);
        return (lower, Math.Min(lower + 1, InputLength - 1), position - lower * denominator, denominator);
    }

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) => new(Source(first).Lower, Source(end - 1).Upper + 1, 0, 0);

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Source(Math.Max(0, output)).Lower;
}
