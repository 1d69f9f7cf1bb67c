namespace StreamingCnn.Geometry;

/// <summary>
/// A local layer along one axis, for an input of a given length: which inputs each output reads, as integer functions.
/// </summary>
/// <remarks>
/// A layer is local when each output position reads a bounded interval of input positions and both ends of the interval grow with
/// the position. These functions are all that planning knows of a layer. They are pure integer arithmetic; nothing here touches a tensor.
/// </remarks>
public abstract class AxisMap
{
    /// <summary>
    /// Creates the map for an input of <paramref name="inputLength"/> positions that gives <paramref name="outputLength"/>.
    /// </summary>
    /// <exception cref="GeometryException">One of the lengths is below 1.</exception>
    protected AxisMap(long inputLength, long outputLength)
    {
        if (inputLength < 1)
            throw new GeometryException($"An input of length {inputLength} is empty; it must have at least 1 position.");
        if (outputLength < 1)
            throw new GeometryException(
                $"An input of length {inputLength} is too small: it would give an output of length {outputLength}, at least 1 is needed.");
        InputLength = inputLength;
        OutputLength = outputLength;
    }

    /// <summary>Number of input positions, n.</summary>
    public long InputLength { get; }

    /// <summary>Number of output positions, N.</summary>
    public long OutputLength { get; }

    /// <summary>
    /// The virtual cut: every output below the result reads only inputs below <paramref name="input"/>. Monotone, unbounded both
    /// ways and never clamped: it speaks of an image that goes on beyond its border.
    /// </summary>
    public abstract long VirtualCut(long input);

    /// <summary>
    /// The inverse of <see cref="VirtualCut"/>: the smallest input cut whose virtual cut reaches <paramref name="output"/>.
    /// </summary>
    public abstract long Required(long output);

    /// <summary>How many outputs can be computed once the inputs below <paramref name="input"/> are there.</summary>
    public long Available(long input) =>
        input >= InputLength ? OutputLength : Math.Clamp(VirtualCut(input), 0, OutputLength);

    /// <summary>
    /// The first input that outputs from <paramref name="output"/> on still read; the input's length once the output is complete, for
    /// then nothing is outstanding. Monotone, in [0, n].
    /// </summary>
    public long FirstNeeded(long output) => output >= OutputLength ? InputLength : FirstNeededBefore(output);

    /// <summary>What the outputs [<paramref name="first"/>, <paramref name="end"/>) read; the interval must not be empty.</summary>
    public abstract AxisSpan Span(long first, long end);

    /// <summary><see cref="FirstNeeded"/> for an output that is not complete: <paramref name="output"/> is below N.</summary>
    protected abstract long FirstNeededBefore(long output);
}
