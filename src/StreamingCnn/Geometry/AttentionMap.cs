namespace StreamingCnn.Geometry;

/// <summary>
/// Attention between neighbouring positions along one axis: each output looks at an interval of positions, some of which may be padding
/// behind the map. How far a position lies from the output says which of a table of biases it gets.
/// </summary>
public abstract class AttentionMap : AxisMap
{
    /// <summary>Creates the map.</summary>
    /// <param name="length">Positions of the map.</param>
    /// <param name="padded">Positions of the map and the padding behind it.</param>
    /// <param name="window">Positions that an output looks at, at most.</param>
    protected AttentionMap(long length, long padded, long window)
        : base(length, length)
    {
        PaddedLength = padded;
        Window = window;
    }

    /// <summary>Positions of the map and the padding behind it.</summary>
    public long PaddedLength { get; }

    /// <summary>Positions that an output looks at, at most.</summary>
    public long Window { get; }

    /// <summary>Biases along this axis: one for each distance between an output and a position, of either sign.</summary>
    public long Biases => (2 * Window) - 1;

    /// <summary>Outputs of a block, at most.</summary>
    public abstract long LongestQueries { get; }

    /// <summary>Positions that a block looks at, at most.</summary>
    public abstract long LongestKeys { get; }

    /// <summary>Outputs in blocks, from the first to the last.</summary>
    /// <param name="outputs">The outputs.</param>
    public abstract IEnumerable<AttentionBlock> Blocks(Interval outputs);

    /// <summary>
    /// The number of the bias with which <paramref name="output"/> looks at <paramref name="position"/>, from 0; -1 where it does not.
    /// </summary>
    public abstract long Bias(long output, long position);
}
