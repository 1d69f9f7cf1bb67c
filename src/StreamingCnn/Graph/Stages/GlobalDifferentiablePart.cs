namespace StreamingCnn.Graph.Stages;

/// <summary>Which maps and small tensors of a network need a gradient.</summary>
internal sealed class GlobalDifferentiablePart
{
    private readonly bool[] maps;
    private readonly bool[] smalls;

    /// <param name="network">The network.</param>
    /// <param name="wanted">For each source whether its gradient is wanted.</param>
    public GlobalDifferentiablePart(TracedNetwork network, IReadOnlyList<bool> wanted)
    {
        (maps, smalls) = (new bool[network.Maps.Count], new bool[network.Smalls.Count]);
        foreach (var (kind, index) in network.Steps)
        {
            if (kind == TracedKind.Map)
            {
                var node = network.Maps[index];
                maps[index] = node.IsSource
                    ? wanted[index]
                    : node.Layer!.Learns || node.Inputs.Any(input => maps[input])
                        || (node.Layer is OperandLayer operand && operand.Smalls.Any(small => smalls[small]));
            }
            else if (kind == TracedKind.Small)
            {
                var small = network.Smalls[index];
                smalls[index] = small.Function is { } function
                    ? small.Inputs.Any(input => smalls[input])
                        || function.Parameters.Any(parameter => parameter.requires_grad) || function.Others.Count > 0
                    : network.Reductions[small.Reduction].Operands.Any(operand => maps[operand]);
            }
        }
    }

    /// <summary>Whether a map's gradient is needed.</summary>
    public bool NeedsMap(int map) => maps[map];

    /// <summary>Whether a small tensor's gradient is needed.</summary>
    public bool NeedsSmall(int small) => smalls[small];
}
