using StreamingCnn.Reductions;

namespace StreamingCnn.Graph;

/// <summary>A small tensor of a network: one of a reduction's results, or a function of others.</summary>
/// <param name="Index">Position in the order of the trace.</param>
/// <param name="Path">Path of the module that makes it, or its operation's name.</param>
internal sealed record SmallNode(int Index, string Path)
{
    /// <summary>The reduction whose result it is; -1 where it is a function's.</summary>
    public int Reduction { get; init; } = -1;

    /// <summary>Which of the reduction's results it is.</summary>
    public int Result { get; init; }

    /// <summary>The function; null for a reduction's result.</summary>
    public SmallFunction? Function { get; init; }

    /// <summary>Indices of the small tensors that the function reads.</summary>
    public int[] Inputs { get; init; } = [];
}

/// <summary>A reduction of maps.</summary>
/// <param name="Index">Position in the order of the trace.</param>
/// <param name="Path">Path of the module that asks for it, or its own name.</param>
/// <param name="Kind">What is summed up.</param>
/// <param name="Operands">Indices of the maps.</param>
/// <param name="Results">Indices of the small tensors that come out.</param>
internal sealed record ReductionNode(int Index, string Path, MapReduction Kind, int[] Operands, int[] Results)
{
    /// <summary>What it is called.</summary>
    public string Name => Kind.Name;

    /// <summary>Looks at the maps' size.</summary>
    /// <exception cref="ArgumentException">They are too small.</exception>
    public void CheckSize(long height, long width) => Kind.CheckSize(height, width);
}
