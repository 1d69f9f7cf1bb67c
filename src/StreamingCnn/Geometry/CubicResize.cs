namespace StreamingCnn.Geometry;

/// <summary>
/// Cubic interpolation along one axis (bicubic, seen per axis) to any length, with pixel centres aligned (<c>align_corners = false</c>) or
/// corner pixels aligned (<c>true</c>), as PyTorch defines them: of four inputs, of which those beyond an end are the one at the end.
/// </summary>
public sealed class CubicResize(long length, long resized, bool alignCorners)
    : InterpolatedResize(length, resized, alignCorners, reach: 2)
{
    /// <summary>
    /// The input at or in front of output <paramref name="output"/>, which may be the one in front of the first, and how far the output
    /// lies behind it, as the exact fraction <c>Numerator / Denominator</c>.
    /// </summary>
    public (long Input, long Numerator, long Denominator) Source(long output)
    {
        if (IsConstant)
            return (0, 0, 1);
        // Not clamped by PyTorch here.
        var (position, denominator) = Position(output);
        var input = Division.Floor(position, denominator);
        return (input, position - (input * denominator), denominator);
    }

    /// <summary>
    /// The input that stands at <paramref name="position"/>, which may lie outside. Where all outputs are the first input, it stands
    /// everywhere: the others are not read.
    /// </summary>
    public long Inside(long position) => IsConstant ? 0 : Math.Clamp(position, 0, InputLength - 1);

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) =>
        new(Inside(Source(first).Input - 1), Inside(Source(end - 1).Input + 2) + 1, 0, 0);

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Inside(Source(Math.Max(0, output)).Input - 1);
}
