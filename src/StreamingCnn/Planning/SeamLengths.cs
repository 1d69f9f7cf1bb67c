namespace StreamingCnn.Planning;

/// <summary>Lengths of seams along one axis, tile by tile: what each tile stores, and what it is the last or the first to read.</summary>
internal sealed record SeamLengths(long[] Stored, long[] LastRead, long[] FirstRead)
{
    /// <summary>Lengths of each tile's seams, and which tiles read them last and first.</summary>
    public static SeamLengths Of(long[] lengths, int[] last, int[] first) => new(lengths, Gather(lengths, last), Gather(lengths, first));

    /// <summary>The same where tiles may store what others have left, too.</summary>
    public static SeamLengths Of(long[] lengths, int[] stored, int[] last, int[] first) => Of(lengths, last, first) with
    {
        Stored = Gather(lengths, stored),
    };

    /// <summary>The lengths at a tile.</summary>
    public IEnumerable<long> At(int step) => [Stored[step], LastRead[step], FirstRead[step]];

    private static long[] Gather(long[] lengths, int[] at)
    {
        var gathered = new long[lengths.Length];
        for (var step = 0; step < lengths.Length; step++)
        {
            if (at[step] >= 0)
                gathered[at[step]] += lengths[step];
        }

        return gathered;
    }
}
