namespace StreamingCnn.Geometry;

/// <summary>Padding that mirrors the input at its first and last position, which are not repeated.</summary>
public sealed class ReflectionPadding : AxisMap
{
    private readonly long before;
    private readonly long after;

    /// <summary>Creates the map.</summary>
    /// <exception cref="GeometryException">The padding is negative or not smaller than the input, as PyTorch demands.</exception>
    public ReflectionPadding(long length, long before, long after)
        : base(length, length + before + after)
    {
        if (before < 0 || after < 0 || before >= length || after >= length)
            throw new GeometryException(
                $"Reflection padding of ({before}, {after}) must be at least 0 and smaller than the input, whose length is {length}.");
        this.before = before;
        this.after = after;
    }

    /// <inheritdoc/>
    public override long VirtualCut(long input) => input > before ? input + before : Math.Min(0, input);

    /// <inheritdoc/>
    public override long Required(long output) => output <= 0 ? output : Math.Max(output - before, before + 1);

    /// <summary>
    /// The input position that stands at <paramref name="position"/>, which may lie outside the input by less than its length.
    /// </summary>
    public static long Source(long position, long length)
    {
        var mirrored = Math.Abs(position);
        return mirrored >= length ? 2 * (length - 1) - mirrored : mirrored;
    }

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end)
    {
        // Between its turning points, 0 and n - 1, the source is monotone: its extremes lie at the ends and at the turning points inside.
        long from = first - before, to = end - 1 - before;
        var lowest = Math.Min(Source(from, InputLength), Source(to, InputLength));
        var highest = Math.Max(Source(from, InputLength), Source(to, InputLength));
        if (from <= 0 && 0 <= to)
            lowest = 0;
        if (from <= InputLength - 1 && InputLength - 1 <= to)
            highest = InputLength - 1;
        return new(lowest, highest + 1, 0, 0);
    }

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Math.Max(
        0, after > 0 ? Math.Min(output - before, InputLength - 1 - after) : output - before);
}
