using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>
/// The memory of a step's tiles one after the other: what they work with, what they keep and what they carry. Tiles of a kind are looked at
/// once.
/// </summary>
internal sealed class StepMemory
{
    private readonly TilePrograms programs;
    private readonly TrunkCost trunk;
    private readonly (int Row, int Column)[] kinds;
    private readonly Dictionary<((int Row, int Column) Kind, int Cut), TileCost> known = [];
    private readonly Dictionary<int, long> most = [];

    /// <param name="programs">What the tiles do.</param>
    /// <param name="trunk">What is the same for every grid.</param>
    /// <param name="gaps">Bytes of the heap for each byte alive in a tile.</param>
    public StepMemory(TilePrograms programs, TrunkCost trunk, double gaps)
    {
        this.programs = programs;
        this.trunk = trunk;
        Gaps = gaps;
        Order = programs.Grid.Order();
        kinds = [.. Order.Select(programs.KindOf)];
        Carried = new(programs.Grid, trunk);
    }

    /// <summary>The tiles in the order in which they run forwards.</summary>
    public IReadOnlyList<(int Row, int Column)> Order { get; }

    /// <summary>Bytes of the tensors' heap for each byte alive in a tile.</summary>
    public double Gaps { get; }

    /// <summary>What is carried.</summary>
    public CarriedBytes Carried { get; }

    /// <summary>The memory of a tile that keeps the records of layers from a node on.</summary>
    public TileCost Of(int tile, int cut)
    {
        var kind = kinds[tile];
        if (!known.TryGetValue((kind, cut), out var memory))
            known.Add((kind, cut), memory = new(programs, kind, cut, trunk));
        return memory;
    }

    /// <summary>The most bytes while a tile runs.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="memory">Its own memory.</param>
    /// <param name="keptBefore">Bytes that the tiles before it keep.</param>
    /// <param name="cut">The node from which on every tile keeps its records.</param>
    public long Bytes(int tile, TileCost memory, long keptBefore, int cut)
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
