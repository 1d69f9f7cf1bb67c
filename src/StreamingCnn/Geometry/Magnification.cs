namespace StreamingCnn.Geometry;

/// <summary>Every position becomes <c>factor</c> positions: output o reads input floor(o / factor). Pixel-shuffle.</summary>
public sealed class Magnification(long length, long factor) : AxisMap(length, factor * length)
{
    /// <inheritdoc/>
    public override long VirtualCut(long input) => factor * input;

    /// <inheritdoc/>
    public override long Required(long output) => Division.Ceiling(output, factor);

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) =>
        new(Division.Floor(first, factor), Division.Floor(end - 1, factor) + 1, 0, 0);

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Math.Max(0, Division.Floor(output, factor));
}
