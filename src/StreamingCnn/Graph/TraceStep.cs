namespace StreamingCnn.Graph;

/// <summary>What kind of thing was traced.</summary>
internal enum TracedKind
{
    /// <summary>A map.</summary>
    Map,

    /// <summary>A reduction of maps.</summary>
    Reduction,

    /// <summary>A small tensor.</summary>
    Small,
}

/// <summary>One thing of a network, in the order of the trace.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Index">Index among those of its kind.</param>
internal readonly record struct TraceStep(TracedKind Kind, int Index);

/// <summary>An output of a network.</summary>
/// <param name="IsSmall">Whether it is a small tensor, rather than a map.</param>
/// <param name="Index">Index among those.</param>
internal readonly record struct TracedOutput(bool IsSmall, int Index);
