namespace StreamingCnn.Geometry;

/// <summary>Transposed convolution: input i adds to the outputs s*i - p, s*i - p + d, ..., s*i - p + d(k-1).</summary>
public sealed class TransposedWindow : AxisMap
{
    private readonly long extent;
    private readonly long stride;
    private readonly long padding;

    /// <summary>Creates the map.</summary>
    public TransposedWindow(long length, long kernel, long stride, long dilation, long padding, long outputPadding)
        : base(length, (length - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + outputPadding)
    {
        extent = dilation * (kernel - 1) + 1;
        this.stride = stride;
        this.padding = padding;
    }

    /// <inheritdoc/>
    public override long VirtualCut(long input) => stride * input - padding;

    /// <inheritdoc/>
    public override long Required(long output) => Division.Ceiling(output + padding, stride);

    /// <summary>The output position at which input <paramref name="input"/> begins to contribute; may lie outside the output.</summary>
    public long FirstOutput(long input) => stride * input - padding;

    /// <summary>
    /// One past the last output position to which the inputs below <paramref name="input"/> contribute; may lie outside the output.
    /// </summary>
    internal long EndOfOutputs(long input) => FirstOutput(input - 1) + extent;

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end)
    {
        var start = FirstReaching(first);
        var stop = Math.Max(start, Math.Clamp(Division.Floor(end - 1 + padding, stride) + 1, 0, InputLength));
        return new(start, stop, 0, 0);
    }

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => FirstReaching(output);

    private long FirstReaching(long output) =>
        Math.Clamp(Division.Ceiling(output + padding - extent + 1, stride), 0, InputLength);
}
