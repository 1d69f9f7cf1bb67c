namespace StreamingCnn.Geometry;

/// <summary>A pointwise layer: output o reads input o.</summary>
public sealed class IdentityMap(long length) : AxisMap(length, length)
{
    /// <inheritdoc/>
    public override long VirtualCut(long input) => input;

    /// <inheritdoc/>
    public override long Required(long output) => output;

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) => new(first, end, 0, 0);

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Math.Max(0, output);
}
