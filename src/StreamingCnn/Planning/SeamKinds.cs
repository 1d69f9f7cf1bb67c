using System.Runtime.InteropServices;

namespace StreamingCnn.Planning;

/// <summary>The tiles along one axis that are alike in some numbers.</summary>
internal sealed class SeamKinds
{
    private readonly int[] kinds;

    /// <param name="steps">Number of tiles.</param>
    /// <param name="signature">The numbers of a tile.</param>
    public SeamKinds(int steps, Func<int, IEnumerable<long>> signature)
    {
        kinds = new int[steps];
        var known = new Dictionary<Signature, int>();
        for (var step = 0; step < steps; step++)
        {
            var numbers = new Signature([.. signature(step)]);
            if (!known.TryGetValue(numbers, out kinds[step]))
                known.Add(numbers, kinds[step] = known.Count);
        }

        Count = known.Count;
    }

    /// <summary>Number of kinds.</summary>
    public int Count { get; }

    /// <summary>The kind of a tile.</summary>
    public int Of(int step) => kinds[step];

    private readonly struct Signature : IEquatable<Signature>
    {
        private readonly long[] numbers;
        private readonly int hash;

        public Signature(long[] numbers)
        {
            this.numbers = numbers;
            var code = default(HashCode);
            code.AddBytes(MemoryMarshal.AsBytes<long>(numbers));
            hash = code.ToHashCode();
        }

        public bool Equals(Signature other) => numbers.AsSpan().SequenceEqual(other.numbers);

        public override bool Equals(object? obj) => obj is Signature other && Equals(other);

        public override int GetHashCode() => hash;
    }
}
