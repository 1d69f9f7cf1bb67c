namespace StreamingCnn.Geometry;

/// <summary>
/// A window of <c>kernel</c> taps, <c>dilation</c> apart, that moves by <c>stride</c> over the input and its padding: convolution,
/// pooling, constant padding (kernel 1; negative padding crops) and pixel-unshuffle (kernel = stride).
/// </summary>
public sealed class SlidingWindow : AxisMap
{
    private readonly long extent;
    private readonly long stride;
    private readonly long before;

    /// <summary>Creates the map.</summary>
    /// <param name="length">Input positions.</param>
    /// <param name="kernel">Taps of the window.</param>
    /// <param name="stride">Distance between windows.</param>
    /// <param name="dilation">Distance between taps.</param>
    /// <param name="before">Padding in front of the input; negative values crop.</param>
    /// <param name="after">Padding behind the input; negative values crop.</param>
    /// <param name="ceiling">
    /// Round the number of windows up, as PyTorch's pooling does with <c>ceil_mode</c>: the last may overhang.
    /// </param>
    public SlidingWindow(
        long length, long kernel, long stride = 1, long dilation = 1, long before = 0, long after = 0, bool ceiling = false)
        : base(length, Windows(length, Extent(kernel, dilation), stride, before, after, ceiling))
    {
        extent = Extent(kernel, dilation);
        this.stride = stride;
        this.before = before;
    }

    /// <inheritdoc/>
    public override long VirtualCut(long input) => Division.Floor(input + before - extent, stride) + 1;

    /// <inheritdoc/>
    public override long Required(long output) => stride * (output - 1) - before + extent;

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end)
    {
        var from = stride * first - before;
        var to = stride * (end - 1) - before + extent;
        var start = Math.Clamp(from, 0, InputLength);
        var stop = Math.Max(start, Math.Clamp(to, 0, InputLength));
        // Wholly in the padding: there is no input to lie before or after, so all of it counts as before.
        return start == stop ? new(start, stop, to - from, 0) : new(start, stop, start - from, to - stop);
    }

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Math.Clamp(stride * output - before, 0, InputLength);

    private static long Extent(long kernel, long dilation) => dilation * (kernel - 1) + 1;

    private static long Windows(long length, long extent, long stride, long before, long after, bool ceiling)
    {
        if (!ceiling)
            return Division.Floor(length + before + after - extent, stride) + 1;
        var windows = Division.Floor(length + before + after - extent + stride - 1, stride) + 1;
        // PyTorch drops a last window that would start in the padding behind the input.
        return (windows - 1) * stride >= length + before ? windows - 1 : windows;
    }
}
