namespace StreamingCnn.Planning.Programs;

/// <summary>The memory of tiles of a kind, found by going through their programs.</summary>
internal sealed class TileCost
{
    /// <param name="programs">The programs.</param>
    /// <param name="kind">The kind of tile.</param>
    /// <param name="keptFrom">The first node whose record is kept from the forward pass; the number of nodes where none is.</param>
    /// <param name="trunk">What is the same for every tile.</param>
    public TileCost(TilePrograms programs, (int Row, int Column) kind, int keptFrom, TrunkCost trunk)
    {
        var memory = new ProgramMemory(trunk);
        memory.Run(programs.ForwardOnce(kind, keptFrom));
        (Kept, ForwardPeak) = (memory.Now, memory.Peak);
        if (trunk.Passes != Passes.Both)
            return;
        memory.ForgetPeak();
        memory.Run(programs.BackwardOnce(kind, keptFrom));
        BackwardPeak = memory.Peak;
    }

    /// <summary>The most bytes alive while the tile runs forwards, carry left out.</summary>
    public long ForwardPeak { get; }

    /// <summary>
    /// The most bytes alive in the tile's backward pass, carry and sums of parameters' gradients left out; 0 where there is none.
    /// </summary>
    public long BackwardPeak { get; }

    /// <summary>The more of both.</summary>
    public long Peak => Math.Max(ForwardPeak, BackwardPeak);

    /// <summary>Bytes that are kept from the forward pass.</summary>
    public long Kept { get; }
}
