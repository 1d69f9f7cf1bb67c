namespace StreamingCnn.Geometry;

/// <summary>
/// Linear interpolation along one axis (bilinear, seen per axis) to any length, with pixel centres aligned
/// (<c>align_corners = false</c>) or corner pixels aligned (<c>true</c>), as PyTorch defines them.
/// </summary>
public sealed class LinearResize(long length, long resized, bool alignCorners)
    : InterpolatedResize(length, resized, alignCorners, reach: 1)
{
    /// <summary>
    /// The two inputs between which output <paramref name="output"/> lies, and the weight of the upper one as the exact fraction
    /// <c>Numerator / Denominator</c>. At the border both are the same position.
    /// </summary>
    public (long Lower, long Upper, long Numerator, long Denominator) Source(long output)
    {
        if (IsConstant)
            return (0, 0, 0, 1);
        var (position, denominator) = Position(output);
        // PyTorch clamps positions at 0.
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
