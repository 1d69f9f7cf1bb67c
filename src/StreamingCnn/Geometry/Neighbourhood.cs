namespace StreamingCnn.Geometry;

/// <summary>
/// Neighbourhood attention (NAT): each output looks at as many positions as a window has, those around it, or, near an end of the map, the
/// first or last ones. A map that is shorter than a window is padded behind.
/// </summary>
public sealed class Neighbourhood : AttentionMap
{
    // Outputs that are computed at once, which look at so many positions and those around them: fewer cost more calls and copies, more
    // cost products with positions that are not looked at.
    private const long Block = 8;

    private readonly long reach;

    /// <summary>Creates the map.</summary>
    /// <param name="length">Positions of the map.</param>
    /// <param name="window">Positions that an output looks at; odd.</param>
    public Neighbourhood(long length, long window)
        : base(length, Math.Max(length, window), window) => reach = window / 2;

    /// <inheritdoc/>
    public override long LongestQueries => Block;

    /// <inheritdoc/>
    public override long LongestKeys => Block + Window - 1;

    /// <inheritdoc/>
    public override long VirtualCut(long input) => input >= Window ? input - reach : Math.Min(0, input);

    /// <inheritdoc/>
    public override long Required(long output) => output <= 0 ? output : Math.Max(output + reach, Window);

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end) => new(Start(first), Math.Min(InputLength, Start(end - 1) + Window), 0, 0);

    /// <inheritdoc/>
    public override IEnumerable<AttentionBlock> Blocks(Interval outputs)
    {
        for (var first = outputs.Start; first < outputs.End; first += Block)
        {
            var end = Math.Min(first + Block, outputs.End);
            yield return new(new(first, end), new(Start(first), Start(end - 1) + Window));
        }
    }

    /// <inheritdoc/>
    public override long Bias(long output, long position)
    {
        var start = Start(output);
        return start <= position && position < start + Window ? position - output + Window - 1 : -1;
    }

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => Start(output);

    /// <summary>The first position that an output looks at.</summary>
    private long Start(long output) => Math.Clamp(output - reach, 0, PaddedLength - Window);
}
