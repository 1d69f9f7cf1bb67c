using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Programs;

/// <summary>The blocks of memory that layers' records hold.</summary>
/// <param name="trunk">Bytes of a value.</param>
/// <param name="live">The blocks that are alive.</param>
internal sealed class RecordBlocks(TrunkCost trunk, LiveBytes live)
{
    private readonly List<int>?[] records = new List<int>?[trunk.Graph.Nodes.Count];

    /// <summary>Bytes of a layer's record; 0 without one.</summary>
    public long Bytes(int node) => records[node]?.Sum(live.Bytes) ?? 0;

    /// <summary>Makes a record that holds one block, which others hold, too.</summary>
    public void Share(int node, int block) => records[node] = [live.Share(block)];

    /// <summary>Makes the record of a layer.</summary>
    /// <param name="node">The layer's node.</param>
    /// <param name="memory">What its record keeps.</param>
    /// <param name="read">Its operands' blocks.</param>
    /// <param name="padded">The block of the first one's copy with padding, or none.</param>
    /// <param name="output">The output's block, or none where it is not computed.</param>
    public void Make(int node, in LayerMemory memory, int[] read, int padded, int output)
    {
        var held = new List<int>();
        if (memory.KeepsInput && !(padded >= 0 && memory.KeepsPaddedCopyOnly))
        {
            foreach (var (operand, block) in read.Index())
                held.Add(Kept(block, memory, Node(Node(node).Inputs[operand]) is { IsSource: true, IsStored: false }));
        }

        if (memory is { KeepsInput: true, RunsAgain: 0 } && padded >= 0)
            held.Add(live.Share(padded));
        if (memory.KeepsOutput)
            held.Add(Kept(output, memory, isSource: false));
        if (output >= 0 && memory.BytesBesides(live.Bytes(output), Node(node).Channels, trunk.ElementSize) is > 0 and var besides)
            held.Add(live.New(besides));
        records[node] = held;
    }

    /// <summary>Lets go of a record.</summary>
    public void Release(int node)
    {
        foreach (var block in records[node] ?? [])
            live.Release(block);
        records[node] = null;
    }

    private GraphNode Node(int node) => trunk.Graph.Nodes[node];

    /// <summary>What a record holds of a map: the map itself, or the layer's wider copy of it. Sources are as wide already.</summary>
    private int Kept(int block, in LayerMemory memory, bool isSource) => memory.WideElementSize > 0 && !isSource
        ? live.New(memory.Inside(live.Bytes(block), trunk.ElementSize))
        : live.Share(block);
}
