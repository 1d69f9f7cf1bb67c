namespace StreamingCnn.Geometry;

/// <summary>Padding that repeats the first and last position.</summary>
public sealed class ReplicationPadding : AxisMap
{
    private readonly long before;

    /// <summary>Creates the map.</summary>
    /// <exception cref="GeometryException">The padding is negative.</exception>
    public ReplicationPadding(long length, long before, long after)
        : base(length, length + before + after)
    {
        if (before < 0 || after < 0)
            throw new GeometryException(
                $"Replication padding of ({before}, {after}) must be at least 0; crop with constant padding instead.");
        this.before = before;
    }

    /// <inheritdoc/>
    public override long VirtualCut(long input) => input >= 1 ? input + before : Math.Min(0, input);

    /// <inheritdoc/>
    public override long Required(long output) => output <= 0 ? output : Math.Max(output - before, 1);

    /// <summary>The input position that stands at <paramref name="position"/>, which may lie outside the input.</summary>
    public static long Source(long position, long length) => Math.Clamp(position, 0, length - 1);

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) =>
        new(Source(first - before, InputLength), Source(end - 1 - before, InputLength) + 1, 0, 0);

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Source(output - before, InputLength);
}
