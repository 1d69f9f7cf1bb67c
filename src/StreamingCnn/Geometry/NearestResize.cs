namespace StreamingCnn.Geometry;

/// <summary>
/// Nearest-neighbour resizing to any length: output o reads input floor(o * n / N). With N = f * n also pixel-shuffle by f.
/// </summary>
public sealed class NearestResize(long length, long resized) : AxisMap(length, resized)
{
    /// <inheritdoc/>
    public override long VirtualCut(long input) => Division.Ceiling(input * OutputLength, InputLength);

    /// <inheritdoc/>
    public override long Required(long output) => Source(output - 1) + 1;

    /// <summary>The input position that output <paramref name="output"/> reads.</summary>
    public long Source(long output) => Division.Floor(output * InputLength, OutputLength);

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) => new(Source(first), Source(end - 1) + 1, 0, 0);

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Math.Max(0, Source(output));
}
