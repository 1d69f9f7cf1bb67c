namespace StreamingCnn.Graph.Stages;

/// <summary>
/// What of a network runs in one sweep over the tiles, between two evaluations of small tensors: a network of local layers of its own.
/// </summary>
/// <param name="Index">Its place in the order of stages.</param>
/// <param name="Graph">The maps; null where the stage has none.</param>
/// <param name="Sources">Of each of the graph's sources, the network's map that it is: one of the network's sources, or a boundary
/// map.</param>
/// <param name="Outputs">What each of the graph's outputs is for.</param>
/// <param name="Smalls">Indices of the functions of small tensors that are evaluated before the stage, in order.</param>
/// <param name="Reductions">Indices of the reductions that the stage completes.</param>
internal sealed record Stage(
    int Index,
    NetworkGraph? Graph,
    IReadOnlyList<int> Sources,
    IReadOnlyList<StageOutput> Outputs,
    IReadOnlyList<int> Smalls,
    IReadOnlyList<int> Reductions);

/// <summary>What a stage's output is for: exactly one of a map of the network, and a reduction among the layers.</summary>
/// <param name="Map">The network's map; -1 where the output stands for a reduction.</param>
internal sealed record StageOutput(int Map)
{
    /// <summary>The reduction that the output stands for, whose map has no channels; -1 for none.</summary>
    public int Reduction { get; init; } = -1;

    /// <summary>Whether the map waits for later stages.</summary>
    public bool IsBoundary { get; init; }

    /// <summary>
    /// The reductions of that map alone: what waits is looked at once more backwards, so that it need not be computed again.
    /// </summary>
    public IReadOnlyList<int> Taps { get; init; } = [];

    /// <summary>The reductions that are taken of the output.</summary>
    public IEnumerable<int> Reductions => Reduction >= 0 ? Taps.Append(Reduction) : Taps;

    /// <summary>Which of the network's outputs the map is.</summary>
    public IReadOnlyList<int> NetworkOutputs { get; init; } = [];
}
