namespace StreamingCnn.Geometry;

/// <summary>
/// Attention in windows (Swin): the map is padded behind to whole windows and cut into them, and each output looks at all positions of its
/// own. Where the windows are shifted, a part of one stands at either end.
/// </summary>
/// <remarks>
/// Published networks shift the map instead, round its ends, and mask what comes from the other end: the same windows. As they do, a window
/// that covers all of the padded map is not shifted.
/// </remarks>
public sealed class WindowPartition : AttentionMap
{
    private readonly long shift;

    /// <summary>Creates the map.</summary>
    /// <param name="length">Positions of the map.</param>
    /// <param name="window">Positions of a window.</param>
    /// <param name="shift">By how much the windows are shifted, from 0 to less than a window.</param>
    public WindowPartition(long length, long window, long shift = 0)
        : base(length, Division.Ceiling(length, window) * window, window) => this.shift = window >= PaddedLength ? 0 : shift;

    /// <inheritdoc/>
    public override long LongestQueries => Window;

    /// <inheritdoc/>
    public override long LongestKeys => Window;

    /// <inheritdoc/>
    public override long VirtualCut(long input) => Start(input);

    /// <inheritdoc/>
    public override long Required(long output) => (Division.Ceiling(output - shift, Window) * Window) + shift;

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) => new(WindowOf(first).Start, Math.Min(InputLength, WindowOf(end - 1).End), 0, 0);

    /// <inheritdoc/>
    public override IEnumerable<AttentionBlock> Blocks(Interval outputs)
    {
        for (var first = outputs.Start; first < outputs.End;)
        {
            var window = WindowOf(first);
            var queries = new Interval(first, Math.Min(window.End, outputs.End));
            yield return new(queries, window);
            first = queries.End;
        }
    }

    /// <inheritdoc/>
    public override long Bias(long output, long position) => Start(output) == Start(position) ? output - position + Window - 1 : -1;

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Math.Max(0, Start(output));

    /// <summary>Where the window begins in which a position lies: the first one in front of the map, where it is shifted.</summary>
    private long Start(long position) => (Division.Floor(position - shift, Window) * Window) + shift;

    /// <summary>The part of that window that lies in the padded map.</summary>
    private Interval WindowOf(long position)
    {
        var start = Start(position);
        return new(Math.Max(0, start), Math.Min(PaddedLength, start + Window));
    }
}
