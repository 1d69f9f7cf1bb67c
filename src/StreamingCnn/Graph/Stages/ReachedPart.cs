namespace StreamingCnn.Graph.Stages;

/// <summary>
/// What of a network is computed at all: all that its outputs hang on, and what modules keep, such as running statistics.
/// </summary>
internal sealed class ReachedPart
{
    private readonly bool[] maps;
    private readonly bool[] reductions;
    private readonly bool[] smalls;

    /// <param name="network">The network.</param>
    public ReachedPart(TracedNetwork network)
    {
        (maps, reductions, smalls) = (new bool[network.Maps.Count], new bool[network.Reductions.Count], new bool[network.Smalls.Count]);
        foreach (var output in network.Outputs)
            (output.IsSmall ? smalls : maps)[output.Index] = true;
        foreach (var (kind, index) in network.Steps.Reverse())
        {
            switch (kind)
            {
                case TracedKind.Map when maps[index]:
                    Reach(maps, network.Maps[index].Needs);
                    Reach(smalls, (network.Maps[index].Layer as OperandLayer)?.Smalls ?? []);
                    break;
                case TracedKind.Small when smalls[index] || Keeps(network.Smalls[index]):
                    smalls[index] = true;
                    Reach(smalls, network.Smalls[index].Inputs);
                    if (network.Smalls[index].Reduction is >= 0 and var reduction)
                        reductions[reduction] = true;
                    break;
                case TracedKind.Reduction when reductions[index]:
                    Reach(maps, network.Reductions[index].Operands);
                    Reach(smalls, network.Reductions[index].Results);
                    break;
            }
        }
    }

    /// <summary>Whether a map is needed.</summary>
    public bool HasMap(int map) => maps[map];

    /// <summary>Whether a reduction is needed.</summary>
    public bool HasReduction(int reduction) => reductions[reduction];

    /// <summary>Whether a small tensor is needed.</summary>
    public bool HasSmall(int small) => smalls[small];

    private static bool Keeps(SmallNode small) => small.Function is { } function
        && (function.Effect is not null || function.Modules.Any(module => module.training && module.buffers().Any()));

    private static void Reach(bool[] all, IEnumerable<int> some)
    {
        foreach (var one in some)
            all[one] = true;
    }
}
