namespace StreamingCnn.Planning;

/// <summary>Lengths of seams along one axis, tile by tile: what each tile stores, and what it is the last or the first to read.</summary>
internal sealed record SeamLengths(long[] Stored, long[] LastRead, long[] FirstRead)
{
    /// <summary>Lengths of each tile's seams, and which tiles read them last and first.</summary>
    public static SeamLengths Of(long[] lengths, int[] last, int[] first) => new(lengths, Gather(lengths, last), Gather(lengths, first));

    private static long[] Gather(long[] lengths, int[] at)
    {
        var gathered = new long[lengths.Length];
        for (var step = 0; step < lengths.Length; step++)
            gathered[at[step]] += lengths[step];
        return gathered;
    }
}

/// <summary>The tiles along one axis that store and read as much of every map.</summary>
internal sealed class SeamKinds
{
    private readonly int[] kinds;

    public SeamKinds(int steps, IReadOnlyList<SeamLengths> maps)
    {
        kinds = new int[steps];
        var known = new Dictionary<SeamSignature, int>();
        for (var step = 0; step < steps; step++)
        {
            var signature = new SeamSignature(maps, step);
            if (!known.TryGetValue(signature, out kinds[step]))
                known.Add(signature, kinds[step] = known.Count);
        }

        Count = known.Count;
    }

    /// <summary>Number of kinds.</summary>
    public int Count { get; }

    /// <summary>The kind of a tile.</summary>
    public int Of(int step) => kinds[step];

    private readonly struct SeamSignature : IEquatable<SeamSignature>
    {
        private readonly long[] lengths;
        private readonly int hash;

        public SeamSignature(IReadOnlyList<SeamLengths> maps, int step)
        {
            lengths = new long[3 * maps.Count];
            for (var map = 0; map < maps.Count; map++)
            {
                lengths[3 * map] = maps[map].Stored[step];
                lengths[(3 * map) + 1] = maps[map].LastRead[step];
                lengths[(3 * map) + 2] = maps[map].FirstRead[step];
            }

            var code = default(HashCode);
            foreach (var length in lengths)
                code.Add(length);
            hash = code.ToHashCode();
        }

        public bool Equals(SeamSignature other) => lengths.AsSpan().SequenceEqual(other.lengths);

        public override bool Equals(object? obj) => obj is SeamSignature other && Equals(other);

        public override int GetHashCode() => hash;
    }
}
