namespace StreamingCnn.Geometry;

/// <summary>Two maps in sequence, seen as one: a convolution that brings its own reflecting or replicating padding.</summary>
public sealed class Composition(AxisMap first, AxisMap second) : AxisMap(first.InputLength, second.OutputLength)
{
    /// <summary>The map that reads the input.</summary>
    public AxisMap First { get; } = first;

    /// <summary>The map that reads the first one's output.</summary>
    public AxisMap Second { get; } = second;

    /// <inheritdoc/>
    public override long VirtualCut(long input) => Second.VirtualCut(First.VirtualCut(input));

    /// <inheritdoc/>
    public override long Required(long output) => First.Required(Second.Required(output));

    /// <inheritdoc/>
    public override AxisSpan Span(long first, long end)
    {
        var inner = Second.Span(first, end);
        return First.Span(inner.Start, inner.End);
    }

    /// <inheritdoc/>
    protected override long FirstNeededBefore(long output) => First.FirstNeeded(Second.FirstNeeded(output));
}
