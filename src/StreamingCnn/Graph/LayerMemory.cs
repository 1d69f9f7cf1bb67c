namespace StreamingCnn.Graph;

/// <summary>What a layer holds in memory for its backward pass, and what it takes while it runs: what the planner knows of a layer besides its integers.</summary>
/// <param name="KeepsInput">Whether the record refers to the operands' windows.</param>
/// <param name="KeepsOutput">Whether the record refers to the output.</param>
internal readonly record struct LayerMemory(bool KeepsInput, bool KeepsOutput)
{
    /// <summary>Bytes kept besides for each output value, such as a maximum's place.</summary>
    public int BytesPerOutput { get; init; }

    /// <summary>Whether the library rearranges operand and output into a layout of its own while it runs.</summary>
    public bool Rearranges { get; init; }

    /// <summary>By what copies of operand and output are larger than these, where the layer computes on copies with more channels; 0 where it does not.</summary>
    public double Growth { get; init; }

    /// <summary>Whether the layer computes with weights that it makes from its parameters anew each time.</summary>
    public bool MakesWeights { get; init; }

    /// <summary>Whether a padded copy is kept in the operand's place; otherwise beside it.</summary>
    public bool KeepsPaddedCopyOnly { get; init; }

    /// <summary>Whether the gradient that it hands down is memory of its own.</summary>
    public bool GradientIsFresh { get; init; }
}
