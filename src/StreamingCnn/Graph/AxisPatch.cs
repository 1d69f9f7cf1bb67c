using StreamingCnn.Geometry;

namespace StreamingCnn.Graph;

/// <summary>A piece of a layer's output along one axis: the outputs wanted, and what they read.</summary>
/// <param name="Map">The layer along this axis, for the whole map.</param>
/// <param name="Output">The outputs to compute.</param>
/// <param name="Span">The inputs that they read and the padding around them.</param>
public readonly record struct AxisPatch(AxisMap Map, Interval Output, AxisSpan Span)
{
    /// <summary>Positions of what is read, padding included.</summary>
    internal long PaddedLength => Span.Before + Span.Interval.Length + Span.After;

    /// <summary>The patch that computes <paramref name="output"/>, which must not be empty.</summary>
    public static AxisPatch Of(AxisMap map, Interval output) => new(map, output, map.Span(output.Start, output.End));
}
