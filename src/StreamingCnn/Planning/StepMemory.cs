namespace StreamingCnn.Planning;

/// <summary>
/// The memory of a step's tiles one after the other: what they work with, what they keep and what they carry. Tiles of a kind are looked at
/// once.
/// </summary>
internal sealed class StepMemory
{
    private readonly GridPlan grid;
    private readonly TrunkCost trunk;
    private readonly int[] kinds;
    private readonly TileLayout[] examples;
    private readonly Dictionary<(int Kind, int Cut), TileMemory> known = [];
    private readonly Dictionary<int, long> most = [];

    /// <param name="grid">The grid.</param>
    /// <param name="trunk">What is the same for every grid.</param>
    /// <param name="kinds">The kind of each tile, in the order of tiles.</param>
    /// <param name="examples">A tile of each kind.</param>
    /// <param name="gaps">Bytes of the heap for each byte alive in a tile.</param>
    public StepMemory(GridPlan grid, TrunkCost trunk, int[] kinds, TileLayout[] examples, double gaps)
    {
        this.grid = grid;
        this.trunk = trunk;
        this.kinds = kinds;
        this.examples = examples;
        Gaps = gaps;
        Order = [.. grid.Order()];
        Carried = new(grid, trunk);
    }

    /// <summary>The tiles in the order in which they run forwards.</summary>
    public IReadOnlyList<(int Row, int Column)> Order { get; }

    /// <summary>Bytes of the tensors' heap for each byte alive in a tile.</summary>
    public double Gaps { get; }

    /// <summary>What is carried.</summary>
    public CarriedBytes Carried { get; }

    /// <summary>The memory of a tile that keeps the records of layers from a node on.</summary>
    public TileMemory Of(int tile, int cut)
    {
        var kind = kinds[tile];
        if (!known.TryGetValue((kind, cut), out var memory))
            known.Add((kind, cut), memory = new(grid, examples[kind], trunk, cut));
        return memory;
    }

    /// <summary>The most bytes while a tile runs.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="memory">Its own memory.</param>
    /// <param name="keptBefore">Bytes that the tiles before it keep.</param>
    /// <param name="cut">The node from which on every tile keeps its records.</param>
    public long Bytes(int tile, TileMemory memory, long keptBefore, int cut)
    {
        var (forward, backward) = Carried.At(tile, cut);
        return Math.Max(
            forward + (long)(Gaps * (keptBefore + memory.ForwardPeak)),
            backward + (long)(Gaps * (keptBefore + memory.BackwardPeak)));
    }

    /// <summary>The most bytes when every tile keeps the records of layers from a node on.</summary>
    public long Most(int cut)
    {
        if (!most.TryGetValue(cut, out var bytes))
            most.Add(cut, bytes = Most(_ => cut, cut));
        return bytes;
    }

    /// <summary>The most bytes.</summary>
    /// <param name="from">The first node of each tile whose record is kept.</param>
    /// <param name="cut">The largest of them.</param>
    public long Most(Func<int, int> from, int cut)
    {
        long kept = 0, bytes = 0;
        for (var tile = 0; tile < kinds.Length; tile++)
        {
            var memory = Of(tile, from(tile));
            bytes = Math.Max(bytes, Bytes(tile, memory, kept, cut));
            kept += memory.Kept;
        }

        return bytes;
    }
}
