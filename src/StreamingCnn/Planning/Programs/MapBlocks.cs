namespace StreamingCnn.Planning.Programs;

/// <summary>A block of memory for each map, or none.</summary>
internal sealed class MapBlocks
{
    /// <summary>No block.</summary>
    public const int None = -1;

    private readonly int[] blocks;

    /// <param name="count">How many maps there are.</param>
    public MapBlocks(int count)
    {
        blocks = new int[count];
        Array.Fill(blocks, None);
    }

    public int this[int node]
    {
        get => blocks[node];
        set => blocks[node] = value;
    }

    /// <summary>A map's block, which it has no longer.</summary>
    public int Take(int node)
    {
        var block = blocks[node];
        blocks[node] = None;
        return block;
    }
}
