namespace StreamingCnn.Graph;

/// <summary>
/// What a layer's record of a rectangle holds in memory for the backward pass, and what the layer takes while it runs: what the planner
/// knows of a layer besides its integers. Small tensors, which do not grow with the rectangle in both directions, are left out.
/// </summary>
/// <param name="KeepsInput">Whether the record refers to the operands' windows, and to the first one's copy with padding where there
/// is one.</param>
/// <param name="KeepsOutput">Whether the record refers to the output.</param>
internal readonly record struct LayerMemory(bool KeepsInput, bool KeepsOutput)
{
    /// <summary>Bytes kept besides for each output value, such as a maximum's place.</summary>
    public int BytesPerOutput { get; init; }

    /// <summary>Values of the maps' type kept besides for each output value.</summary>
    public int ValuesPerOutput { get; init; }

    /// <summary>Values of the maps' type kept besides for each position, all channels together.</summary>
    public int ValuesPerPosition { get; init; }

    /// <summary>Whether the record can be made of the operands, with no output computed.</summary>
    public bool FollowsFromInput { get; init; }

    /// <summary>
    /// Where the backward pass computes the layer once more, which spares keeping what it gives and the copy with padding:
    /// bytes that this takes for each output value besides the value. 0 where it does not.
    /// </summary>
    public int RunsAgain { get; init; }

    /// <summary>Whether a padded copy is kept in the operand's place; otherwise beside it.</summary>
    public bool KeepsPaddedCopyOnly { get; init; }

    /// <summary>Whether the output is a part of the first operand's window: memory of that, and none of its own.</summary>
    public bool OutputIsPart { get; init; }

    /// <summary>
    /// Whether the gradients that it hands down are parts of the one that comes in: memory of that, and none of their own.
    /// </summary>
    public bool GradientIsPart { get; init; }

    /// <summary>Whether the gradient that it hands down is a part of the padded copy's, where there is one.</summary>
    public bool GradientIsPadded { get; init; }

    /// <summary>Whether the gradient that it hands down is memory of its own, to which others may be added.</summary>
    public bool GradientIsFresh { get; init; }

    /// <summary>Whether the library rearranges operand and output into a layout of its own while it runs.</summary>
    public bool Rearranges { get; init; }

    /// <summary>
    /// By what copies of operand and output are larger than these, where the layer computes on copies with more channels; 0 where it does
    /// not.
    /// </summary>
    public double Growth { get; init; }

    /// <summary>Values of the maps' type that the layer takes for its own while it runs, for each value of the output.</summary>
    public double ValuesInside { get; init; }

    /// <summary>The same in the backward pass.</summary>
    public double ValuesInsideBackward { get; init; }

    /// <summary>Whether the layer computes with weights that it makes from its parameters anew each time.</summary>
    public bool MakesWeights { get; init; }

    /// <summary>
    /// Bytes of a value in the layer, where it computes on wider copies of operands and output and keeps those; 0 where it does not.
    /// </summary>
    public int WideElementSize { get; init; }

    /// <summary>Bytes in the layer of what takes some as maps.</summary>
    /// <param name="bytes">Bytes as maps.</param>
    /// <param name="elementSize">Bytes of a map's value.</param>
    public long Inside(long bytes, int elementSize) => WideElementSize > 0 ? bytes / elementSize * WideElementSize : bytes;

    /// <summary>Bytes of the layer's wider copy of what takes some as maps; 0 where it makes none.</summary>
    /// <inheritdoc cref="Inside"/>
    public long WideCopy(long bytes, int elementSize) => WideElementSize > 0 ? Inside(bytes, elementSize) : 0;

    /// <summary>Bytes kept besides operands and output.</summary>
    /// <param name="outputBytes">Bytes of the output.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="elementSize">Bytes of one of its values.</param>
    public long BytesBesides(long outputBytes, long channels, int elementSize) =>
        Inside((outputBytes * ValuesPerOutput) + (outputBytes / Math.Max(1, channels) * ValuesPerPosition), elementSize)
        + (outputBytes / elementSize * BytesPerOutput);
}
